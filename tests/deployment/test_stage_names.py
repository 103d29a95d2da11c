"""Stages in one account: no name of one is another's, and no policy of one reaches another's."""

import fnmatch
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from ops.deploy.parameter_values import unmet_need
from ops.lint.stage_rules import ALARMS
from ops.project import MERGE_TEMPLATE, PROJECT_ROOT, RESOURCES_TEMPLATE
from ops.stage_mentions import with_other_stage
from ops.stage_names import (
    OPTIONAL_ALARMS,
    alarm_name,
    api_function_name,
    app_stack_name,
    dashboard_name,
    processor_name,
    publisher_name,
    resources_stack_name,
    seal_key_alias,
    sealer_name,
)
from ops.templates import load_template
from tests.configuration.checkout import FUNCTIONS, CheckoutStage

ACCOUNT = "123456789012"
# Names that begin with another one, end with it, or look like a part of a resource's name.
NAMES = (
    *("dev", "dev-eu", "dev-eu-1", "dev-1", "eu-dev", "de", "prod", "prod-dev", "local"),
    *("dev-events", "events-dev", "dlq-dev", "events-dlq-dev", "events", "dlq", "dev-dlq", "app"),
    *(f"dev-{ACCOUNT}", "dev-123456789", "dev-process", "resources", "artifacts", "resources-dev"),
    *("dev-dlq-not-empty", "dev-conflicts", "dev-events-dlq", "dev-api"),
)
NAME_OF_RESOURCE = re.compile(r"orders-[a-z-]*\$\{Stage\}(?:-\$\{AWS::AccountId\}|[\w-]*)")


@cache
def template(path: str) -> dict[str, Any]:
    content: dict[str, Any] = load_template((PROJECT_ROOT / path).read_text(encoding="utf-8"))
    return content


def is_allowed(stage: str) -> bool:
    parameters = template(RESOURCES_TEMPLATE)["Parameters"]
    return unmet_need(parameters["Stage"], stage) is None


ALLOWED = tuple(stage for stage in NAMES if is_allowed(stage))


def arns(stage: str) -> dict[str, set[str]]:
    """Name all that a stage is made of, by kind: names of two kinds may be the same."""
    at = f"us-east-1:{ACCOUNT}"
    table = f"arn:aws:dynamodb:{at}:table/orders-{stage}"
    functions = [
        name(stage) for name in (api_function_name, processor_name, publisher_name, sealer_name)
    ]
    queues = (f"orders-{stage}", f"orders-dlq-{stage}", f"orders-events-dlq-{stage}")
    bucket = f"arn:aws:s3:::orders-{stage}-{ACCOUNT}"
    return {
        "queue": {f"arn:aws:sqs:{at}:{name}" for name in queues},
        "table": {table, f"{table}/index/audit", f"{table}/index/history", f"{table}/stream/1"},
        "bucket": {bucket, f"{bucket}/orders/order-1/one.json"},
        "bus": {f"arn:aws:events:{at}:event-bus/orders-{stage}"},
        "topic": {f"arn:aws:sns:{at}:orders-events-{stage}"},
        "function": {f"arn:aws:lambda:{at}:function:{name}" for name in functions},
        "log": {
            f"arn:aws:logs:{at}:log-group:/aws/lambda/{name}:log-stream:1" for name in functions
        },
        "alias": {seal_key_alias(stage)},
        "alarm": {alarm_name(stage, alarm) for alarm in (*ALARMS, *OPTIONAL_ALARMS)},
        "dashboard": {dashboard_name(stage)},
        "stack": {resources_stack_name(stage), app_stack_name(stage)},
    }


def patterns(model: CheckoutStage, stage: str) -> Iterator[str]:
    """Yield what the policies of a stage reach, made for it as `ops stage new` does."""
    for function in FUNCTIONS:
        text = with_other_stage(model.policy_text(function), model.name, stage)
        for statement in json.loads(text)["Statement"]:
            yield from statement["Resource"]
            for compared in statement.get("Condition", {}).values():
                yield from compared.get("kms:ResourceAliases", [])


def test_these_are_all_names_of_the_template() -> None:
    """A resource that is new, or has a new name, belongs into `arns`."""
    text = (PROJECT_ROOT / RESOURCES_TEMPLATE).read_text(encoding="utf-8")
    named = {
        name.replace("${Stage}", "dev").replace("${AWS::AccountId}", ACCOUNT)
        for name in NAME_OF_RESOURCE.findall(text)
    }
    known = " ".join(each for kind in arns("dev").values() for each in kind)

    assert named
    assert {name for name in named if not re.search(rf"\b{name}\b(?![-\w])", known)} == set()


@pytest.mark.parametrize("stage", ["dlq-dev", "events-dev", "events-dlq-dev", "dev-events"])
def test_a_stage_whose_names_are_anothers_is_refused(stage: str) -> None:
    assert stage not in ALLOWED


@pytest.mark.parametrize("stage", ["dev", "prod", "local", "dev-eu", "dlq", "events", "eu-dlq"])
def test_other_stages_are_taken(stage: str) -> None:
    assert is_allowed(stage)


def test_both_templates_take_the_same_stages() -> None:
    patterns = {
        template(path)["Parameters"]["Stage"]["AllowedPattern"]
        for path in (RESOURCES_TEMPLATE, MERGE_TEMPLATE)
    }

    assert len(patterns) == 1


@pytest.mark.any_configuration
@pytest.mark.parametrize("stage", ALLOWED)
def test_no_two_stages_share_a_name_and_no_policy_reaches_the_others(
    stage: str, checkout_stage: CheckoutStage
) -> None:
    ours, reach = arns(stage), list(patterns(checkout_stage, stage))
    for other in set(ALLOWED) - {stage}:
        theirs = arns(other)

        assert {kind for kind in ours if ours[kind] & theirs[kind]} == set(), other
        names = [name for kind in theirs.values() for name in kind]
        reached = [name for name in names if any(fnmatch.fnmatchcase(name, each) for each in reach)]
        assert reached == []


@pytest.mark.any_configuration
@pytest.mark.parametrize("stage", ALLOWED)
def test_the_policies_reach_the_stages_own(stage: str, checkout_stage: CheckoutStage) -> None:
    reach = list(patterns(checkout_stage, stage))
    own = arns(stage)

    for kind in ("queue", "table", "bucket", "bus", "topic", "log", "alias"):
        for arn in own[kind]:
            assert any(fnmatch.fnmatchcase(arn, pattern) for pattern in reach), arn


# AWS's limits, each from the page on quotas or names of its service.
LONGEST = {
    "queue": 80,
    "table": 255,
    "bucket": 63,
    "bus": 256,
    "topic": 256,
    "function": 64,
    "alias": 256,
    "log": 512,
    "alarm": 255,
    "dashboard": 255,
    "stack": 128,
}
LONGEST_ROLE = 64


def test_all_that_is_named_after_the_longest_stage_is_short_enough() -> None:
    """`chalice deploy` names the roles as it names the functions."""
    stage = "a" * 20
    assert is_allowed(stage)
    assert not is_allowed(f"{stage}a")

    for kind, names in arns(stage).items():
        own = {re.split("[:/]", name)[-1] for name in names if not name.endswith("/stream/1")}
        assert max(map(len, own)) <= LONGEST[kind], kind
    roles = [api_function_name(stage) + "-api_handler", publisher_name(stage)]
    assert max(map(len, roles)) <= LONGEST_ROLE
