"""A table that `replay --create` makes: encrypted as the stage's own, and what else it lacks."""

from dataclasses import replace
from typing import Any

import boto3
import pytest

from ops.desk.desk import Desk
from ops.desk.order_table import LEFT_OUT
from ops.lint.template import Template
from ops.project import PROJECT_ROOT, RESOURCES_TEMPLATE
from tests.full_stage import stage_holding
from tests.surfaces import type_words


def rebuild(*, with_key: bool = False) -> tuple[str, dict[str, Any], str]:
    """Rebuild into a new table. Return the key, what DynamoDB is asked for, and what is said."""
    asked: list[dict[str, Any]] = []
    with stage_holding("plain") as desk:
        key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"] if with_key else ""
        stage = replace(desk.stage, kms_key_arn=key)
        stage.session.events.register(
            "provide-client-params.dynamodb.CreateTable", lambda params, **_: asked.append(params)
        )

        done = type_words(Desk(stage), ["replay", "--into", "rebuilt", "--create", "--yes"])

    (made,) = asked
    return key, made, " ".join(done.output.split())


@pytest.mark.parametrize("has_key", [True, False])
def test_a_rebuilt_table_is_encrypted_as_the_template_says(*, has_key: bool) -> None:
    key, made, _ = rebuild(with_key=has_key)

    own = {"KMSMasterKeyId": key} if has_key else {}
    assert made["SSESpecification"] == {"Enabled": True, "SSEType": "KMS", **own}


def test_a_rebuilt_table_has_each_setting_of_the_template_or_says_that_it_lacks_it() -> None:
    template = Template(PROJECT_ROOT / RESOURCES_TEMPLATE, Stage="prod", Events="sns")

    _, made, said = rebuild()

    assert made.keys() & LEFT_OUT.keys() == set()
    assert made.keys() | LEFT_OUT.keys() == template.resources["OrdersTable"]["Properties"].keys()
    for words in LEFT_OUT.values():
        assert f"no {words}" in said
    assert "Delete it afterwards" in said
