"""The rule of a customer managed key: the policy that the guide documents keeps it, and no less."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ops.lint.key_rule import KEY_RULES
from ops.lint.stage import KeySettings
from ops.project import PROJECT_ROOT
from tests.unit.test_lint_rules import GOOD, key_with

(RULE,) = KEY_RULES
ROOT = {
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": "kms:*",
    "Resource": "*",
}
ACCOUNT = {"kms:CallerAccount": "111122223333"}


def documented_statement() -> dict[str, Any]:
    """Read it from the guide, for a key in eu-west-1."""
    guide = (PROJECT_ROOT / "docs" / "stages.md").read_text()
    section = guide.split("## A key of your own", 1)[1].split("\n## ", 1)[0]
    found = re.search(r"```json\n(.*?)```", section, re.DOTALL)
    assert found
    statement: dict[str, Any] = json.loads(found[1].replace("REGION", "eu-west-1"))
    return statement


def faults(key: KeySettings) -> list[str]:
    return RULE.broken_by(replace(GOOD, key=key))


def test_the_documented_statement_beside_the_usual_one_keeps_the_rule() -> None:
    assert faults(key_with(ROOT, documented_statement())) == []


def test_the_policy_that_a_new_key_gets_is_not_enough() -> None:
    """It lets IAM decide, and the functions' own policies name no key."""
    found = faults(key_with(ROOT))

    assert len(found) == 4
    assert "does not let account 111122223333 use it through sqs (kms:Decrypt, kms:Gen" in found[0]
    assert "docs/stages.md#a-key-of-your-own" in found[0]


@pytest.mark.parametrize("service", ["sqs", "s3", "dynamodb", "sns"])
def test_each_service_of_the_statement_is_needed(service: str) -> None:
    statement = documented_statement()
    statement["Condition"]["StringEquals"]["kms:ViaService"].remove(
        f"{service}.eu-west-1.amazonaws.com"
    )

    (fault,) = faults(key_with(statement))

    assert f"use it through {service} (" in fault


@pytest.mark.parametrize("action", documented_statement()["Action"])
def test_each_action_of_the_statement_is_needed(action: str) -> None:
    statement = documented_statement()
    statement["Action"].remove(action)

    assert any(action.rstrip("*") in fault for fault in faults(key_with(statement)))


def test_a_service_that_the_stage_does_not_use_needs_no_statement() -> None:
    statement = documented_statement()
    statement["Condition"]["StringEquals"]["kms:ViaService"].pop()

    assert faults(key_with(statement, services=("sqs", "s3", "dynamodb"))) == []


def test_a_key_that_is_not_enabled_is_a_fault() -> None:
    (fault,) = faults(key_with(documented_statement(), enabled=False))

    assert "key/1 is not enabled" in fault


def test_a_key_of_another_account_is_a_fault() -> None:
    """Its policy is not all that decides, and KMS does not show it."""
    of_another = "arn:aws:kms:eu-west-1:444455556666:key/1"

    (fault,) = faults(key_with(arn=of_another))

    assert "key/1 is of another account" in fault
    assert "take one of account 111122223333" in fault


def test_a_single_statement_needs_no_list_around_it() -> None:
    policy = {"Statement": documented_statement()}

    assert faults(key_with(policy=policy)) == []


def changed_condition(**condition: Any) -> Callable[[dict[str, Any]], None]:
    def change(statement: dict[str, Any]) -> None:
        statement["Condition"] = condition

    return change


def changed_principal(principal: Any) -> Callable[[dict[str, Any]], None]:
    def change(statement: dict[str, Any]) -> None:
        statement["Principal"] = principal

    return change


@pytest.mark.parametrize(
    "change",
    [
        changed_condition(StringEquals={"kms:CallerAccount": "444455556666"}),
        changed_condition(StringEquals={"kms:ViaService": "sqs.us-east-1.amazonaws.com"}),
        changed_condition(StringEquals={"aws:SourceVpc": "vpc-1"}),
        # Without StringLike an asterisk is one.
        changed_condition(StringEquals={"kms:ViaService": "*.eu-west-1.amazonaws.com"}),
        changed_condition(StringEquals={"kms:CallerAccount": "*"}),
        changed_condition(StringLike={"kms:ViaService": "*.us-east-1.amazonaws.com"}),
        changed_condition(ArnLike={"aws:PrincipalArn": "*"}),
        changed_principal({"Service": "sqs.amazonaws.com"}),
        changed_principal({"AWS": ["arn:aws:iam::111122223333:role/admin"]}),
    ],
)
def test_a_statement_that_is_for_others_does_not_count(
    change: Callable[[dict[str, Any]], None],
) -> None:
    statement = documented_statement()
    change(statement)

    assert len(faults(key_with(statement))) == 4


@pytest.mark.parametrize(
    "change",
    [
        changed_condition(StringEquals=ACCOUNT),
        changed_condition(StringLike={"kms:ViaService": "*.eu-west-1.amazonaws.com"}),
        changed_condition(StringLike={"kms:ViaService": "*.amazonaws.com"}),
        changed_condition(StringLike={"kms:ViaService": "*"}),
        changed_condition(StringLike={"kms:CallerAccount": "1111*"}),
        changed_condition(
            StringEquals={"AWS:PrincipalAccount": ["444455556666", "111122223333"]},
            StringLike={"kms:ViaService": ["sqs.*", "s3.*", "dynamodb.*", "sns.*"]},
        ),
        changed_principal("*"),
        changed_principal({"AWS": ["*"]}),
    ],
)
def test_a_statement_that_says_the_same_otherwise_counts(
    change: Callable[[dict[str, Any]], None],
) -> None:
    statement = documented_statement()
    change(statement)

    assert faults(key_with(statement)) == []


def test_a_statement_that_denies_allows_nothing() -> None:
    assert len(faults(key_with(documented_statement() | {"Effect": "Deny"}))) == 4


def test_a_statement_of_what_it_is_not_about_allows_nothing_here() -> None:
    statement = documented_statement()
    statement["NotAction"] = statement.pop("Action")

    assert len(faults(key_with(statement))) == 4
