"""A table that `replay --create` makes: it holds orders, so it is encrypted as the stage's own."""

from dataclasses import replace
from typing import Any

import boto3
import pytest

from ops.desk.desk import Desk
from tests.full_stage import stage_holding
from tests.surfaces import type_words


@pytest.mark.parametrize("has_key", [True, False])
def test_a_rebuilt_table_is_encrypted_as_the_template_says(*, has_key: bool) -> None:
    asked: list[dict[str, Any]] = []
    with stage_holding("plain") as desk:
        key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"] if has_key else ""
        stage = replace(desk.stage, kms_key_arn=key)
        stage.session.events.register(
            "provide-client-params.dynamodb.CreateTable", lambda params, **_: asked.append(params)
        )

        done = type_words(Desk(stage), ["replay", "--into", "rebuilt", "--create", "--yes"])

    assert "rebuilt" in done.output
    (made,) = asked
    own = {"KMSMasterKeyId": key} if has_key else {}
    assert made["SSESpecification"] == {"Enabled": True, "SSEType": "KMS", **own}
