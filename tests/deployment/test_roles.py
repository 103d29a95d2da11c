"""The roles of people: each policy grants what the role is for, no more and no less."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from chalicelib.settings import SEAL_KEY
from ops.alternatives import either
from ops.cli.commands import main
from ops.roles.policy import MOST_CHARACTERS, names_of, policy_of
from ops.roles.rights import RIGHTS, Place, Role
from ops.roles.uses import COMMANDS, NOT_OF_A_ROLE, PAGES, SHOW_ACCOUNTS, roles_for
from tests.fake_lambda import mapping_id
from tests.grants import AUDIT_ITEM, KEY_ITEM, Grant, grants_of, needed_for, queue
from tests.ops_commands import all_commands
from tests.project import change_stage, outputs_of, recorded_project
from tests.resources import properties_of_resources
from tests.roles import (
    ACCOUNT,
    SEALING_KEY,
    Play,
    needed_for_uses,
    played_stage,
    refusing,
    uses,
)
from tests.surfaces import PAGES as ADDRESSES

OUTPUTS = outputs_of("dev")
RECORDED = {
    "ORDERS_QUEUE_URL": f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT.split(':')[1]}/orders-dev",
    "ORDERS_DLQ_URL": f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT.split(':')[1]}/orders-dlq-dev",
    "ORDERS_BUCKET": f"orders-dev-{ACCOUNT.split(':')[1]}",
    "ORDERS_TABLE": "orders-dev",
    SEAL_KEY: SEALING_KEY,
}
TABLE = f"arn:aws:dynamodb:{ACCOUNT}:table/orders-dev"
ON_ANYTHING = {
    Grant("cloudwatch:GetMetricData", "*"),
    Grant("lambda:ListEventSourceMappings", "*"),
}
KEY = f"arn:aws:kms:{ACCOUNT}:key/0a1b2c3d-0000-1111-2222-333344445555"
WRITING = re.compile(r":(?!Get|BatchGet|List|Query$|Scan$|Describe)")


def statements(role: Role, **variables: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = policy_of(role, names_of("dev", variables))["Statement"]
    return found


@pytest.fixture(scope="module")
def needed() -> dict[str, set[Grant]]:
    return needed_for_uses()


@pytest.fixture(params=Role)
def role(request: pytest.FixtureRequest) -> Role:
    one: Role = request.param
    return one


@pytest.fixture(params=[{SEAL_KEY: SEALING_KEY}, RECORDED], ids=["by-name", "recorded"])
def granted(request: pytest.FixtureRequest, role: Role) -> set[Grant]:
    return grants_of(statements(role, **request.param))


def test_every_command_and_every_page_is_placed_once() -> None:
    commands = {name for name, command in all_commands() if not isinstance(command, click.Group)}
    placed = {name.partition(" --")[0] for name in (*COMMANDS, *NOT_OF_A_ROLE)}

    assert placed - {SHOW_ACCOUNTS} == commands
    assert not COMMANDS.keys() & NOT_OF_A_ROLE.keys()
    assert PAGES.keys() == ADDRESSES.keys()


def test_every_use_is_played() -> None:
    assert uses().keys() == COMMANDS.keys()


def test_a_policy_grants_what_the_role_is_for(
    role: Role, granted: set[Grant], needed: dict[str, set[Grant]]
) -> None:
    for use, roles in (COMMANDS | PAGES).items():
        missing = {it for it in needed[use] if not any(grant.covers(it) for grant in granted)}
        # Its commands are of several roles: the entry in the audit trail is what it adds.
        if use == SHOW_ACCOUNTS:
            missing = {it for it in missing if it.leading_key == AUDIT_ITEM}
        assert not missing if role in roles else missing, use


def test_a_policy_grants_no_more_than_the_role_is_for(
    role: Role, granted: set[Grant], needed: dict[str, set[Grant]]
) -> None:
    own = {it for use, roles in (COMMANDS | PAGES).items() if role in roles for it in needed[use]}

    assert not {grant for grant in granted if not any(grant.covers(it) for it in own)}


def test_a_reader_writes_nothing_and_takes_no_message() -> None:
    granted = grants_of(statements(Role.READER))

    assert not {grant for grant in granted if WRITING.search(grant.action)}


def test_an_auditor_writes_nothing_but_the_audit_trail() -> None:
    granted = grants_of(statements(Role.AUDITOR))

    writing = {grant for grant in granted if WRITING.search(grant.action)}
    assert {(grant.action, grant.leading_key) for grant in writing} == {
        ("dynamodb:PutItem", "#audit/*"),
        # What is looked at on a queue is received, and given back.
        ("sqs:ReceiveMessage", "*"),
        ("sqs:ChangeMessageVisibility", "*"),
    }


@pytest.mark.parametrize("leading_key", ["order-001", "", "#key", "#health"])
def test_nobody_writes_a_record(granted: set[Grant], leading_key: str) -> None:
    put = Grant("dynamodb:PutItem", TABLE, leading_key)

    assert not any(grant.covers(put) for grant in granted)
    changing = {"dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:PartiQLInsert"}
    assert not {grant.action for grant in granted} & changing


@pytest.mark.parametrize("leading_key", [AUDIT_ITEM, KEY_ITEM])
def test_an_operator_writes_the_audit_trail_and_takes_keys(leading_key: str) -> None:
    put = Grant("dynamodb:PutItem", TABLE, leading_key)

    assert any(grant.covers(put) for grant in grants_of(statements(Role.OPERATOR)))


@pytest.mark.parametrize("stage", ["dev-eu", "eu", "prod"])
def test_a_policy_reaches_no_other_stage(granted: set[Grant], stage: str) -> None:
    names = (f"orders-{stage}", f"orders-dlq-{stage}")
    tables = [f"arn:aws:dynamodb:{ACCOUNT}:table/orders-{stage}{end}" for end in ("", ".rebuilt")]
    object_of = f"arn:aws:s3:::orders-{stage}-123456789012/orders/order-001/x.json"
    others = [*(queue(name, ACCOUNT) for name in names), *tables, object_of]

    for grant in granted - ON_ANYTHING:
        assert not any(grant.covers(grant._replace(resource=arn)) for arn in others)


@pytest.mark.parametrize("stage", ["dev-eu", "eu", "prod"])
def test_an_operator_pauses_no_other_function(stage: str) -> None:
    granted = grants_of(statements(Role.OPERATOR))

    for name in (f"orders-{stage}-process_orders", "orders-dev-publish_events"):
        call = {"UUID": mapping_id(name), "Enabled": False}
        needed = needed_for("lambda", "UpdateEventSourceMapping", call, ACCOUNT)
        assert not any(grant.covers(needed) for grant in granted)


def test_no_action_is_a_wildcard_and_no_resource_is_everything_where_aws_knows_one(
    granted: set[Grant],
) -> None:
    for grant in granted:
        assert "*" not in grant.action
        named = "orders-" in grant.resource + grant.function
        assert named or "*" not in grant.resource.removeprefix("arn:*:") or grant in ON_ANYTHING


def test_only_resources_of_the_own_account_can_be_reached(role: Role) -> None:
    """A bucket's ARN has no account in it: a stranger's with a name like ours would match."""
    own = {"aws:ResourceAccount": "${aws:PrincipalAccount}"}
    for statement in statements(role):
        if statement["Resource"] != ["*"]:
            assert statement["Condition"]["StringEquals"] == own


def test_a_condition_on_partition_keys_does_not_hold_for_a_call_without_any(role: Role) -> None:
    for statement in statements(role):
        condition = statement.get("Condition", {})
        if "ForAllValues:StringLike" in condition:
            assert condition["Null"] == {"dynamodb:LeadingKeys": "false"}


@pytest.mark.parametrize("events", ["eventbridge", "sns"])
def test_a_policy_is_within_iams_limit(role: Role, events: str) -> None:
    """Each name is as long as it can be, and the stage has each key that a stage may have."""
    longest = "a" * 20
    at = "ap-southeast-99:123456789012"
    account = "https://sqs.ap-southeast-99.amazonaws.com.cn/123456789012"
    key = f"arn:aws-us-gov:kms:{at}:key/mrk-{'0' * 32}"
    targets = {
        "eventbridge": f"orders-{longest}",
        "sns": f"arn:aws-us-gov:sns:{at}:orders-events-{longest}",
    }
    names = names_of(
        longest,
        {
            "ORDERS_QUEUE_URL": f"{account}/orders-{longest}",
            "ORDERS_DLQ_URL": f"{account}/orders-dlq-{longest}",
            "ORDERS_BUCKET": f"orders-{longest}-123456789012",
            "ORDERS_TABLE": f"orders-{longest}",
            "ORDERS_EVENTS": events,
            "ORDERS_EVENTS_TARGET": targets[events],
            SEAL_KEY: key,
        },
    )

    text = json.dumps(policy_of(role, names, key))

    assert all(names.values())
    assert len(re.sub(r"\s", "", text)) <= MOST_CHARACTERS


def test_each_name_of_a_right_is_its_own() -> None:
    assert len({right.name for right in RIGHTS}) == len(RIGHTS)
    assert all(re.fullmatch(r"[A-Za-z0-9]+", right.name) for right in RIGHTS)


def test_names_that_are_not_recorded_are_the_templates() -> None:
    resources = properties_of_resources("dev", "123456789012")

    names = names_of("dev", {})

    assert names["queue"] == resources["OrdersQueue"]["QueueName"]
    assert names["dead_letters"] == resources["OrdersDLQ"]["QueueName"]
    assert names["table"] == resources["OrdersTable"]["TableName"]
    assert (
        names["bucket"].replace("?" * 12, "123456789012")
        == (resources["OrdersBucket"]["BucketName"])
    )


def test_names_that_are_recorded_stand_in_the_policy_with_account_and_region() -> None:
    names = names_of("dev", RECORDED)

    assert Place.QUEUE.arn(names) == f"arn:*:sqs:{ACCOUNT}:orders-dev"
    assert Place.ARCHIVE.arn(names) == "arn:*:s3:::orders-dev-123456789012/orders/*"


def test_a_stages_own_key_is_used_through_the_services_that_the_role_reads_by(role: Role) -> None:
    (statement,) = (
        each
        for each in policy_of(role, names_of("dev", {}), KEY)["Statement"]
        if each["Resource"] == [KEY]
    )

    services = statement["Condition"]["StringLike"]["kms:ViaService"]
    assert ("sqs.*" in services) is (role is not Role.READER)
    assert ("kms:GenerateDataKey*" in statement["Action"]) is (role is not Role.READER)
    # Only an operator makes a table that DynamoDB uses the key for.
    assert ("kms:CreateGrant" in statement["Action"]) is (role is Role.OPERATOR)


def test_nobody_uses_a_key_for_seals_of_a_stage_that_has_none(role: Role) -> None:
    granted = grants_of(statements(role))

    assert not {grant for grant in granted if grant.action.startswith("kms:")}


def run(project: Path, *words: str) -> Any:
    return CliRunner().invoke(main, ["policy", *words, "--project-dir", str(project)])


def test_the_command_prints_the_policy_of_a_recorded_stage(tmp_path: Path, role: Role) -> None:
    done = run(recorded_project(tmp_path), "--role", role.value)

    printed = json.loads(done.stdout)
    assert f"arn:*:sqs:us-east-1:000000000000:{OUTPUTS['QueueName']}" in done.stdout
    assert [each["Sid"] for each in printed["Statement"]]
    assert done.stderr.startswith(f"For role {role}: orders show")
    assert "no recorded resources" not in done.stderr


def test_the_command_says_what_to_type_where_nothing_is_recorded(tmp_path: Path) -> None:
    project = recorded_project(tmp_path)

    done = run(project, "--role", "reader", "--stage", "prod")

    assert json.loads(done.stdout)
    assert "arn:*:sqs:*:*:orders-prod" in done.stdout
    assert "python -m ops resources up" in done.stderr


def test_the_command_names_the_stages_own_key(tmp_path: Path) -> None:
    project = recorded_project(tmp_path)
    change_stage(project, "dev", {}, resource_parameters={"KmsKeyArn": KEY})

    assert KEY in run(project, "--role", "auditor").stdout


@pytest.fixture(scope="module")
def playing() -> Iterator[Play]:
    with played_stage() as desk:
        yield Play(desk)


REFUSED = [
    (role, use)
    for role in Role
    for use, roles in COMMANDS.items()
    if role not in roles and use != SHOW_ACCOUNTS
]


@pytest.mark.parametrize(("role", "use"), [*REFUSED, (Role.READER, SHOW_ACCOUNTS)])
def test_a_command_of_another_role_says_which_right_is_missing_and_who_has_it(
    role: Role, use: str, playing: Play
) -> None:
    done = playing.lines(uses()[use], lambda desk: refusing(role, desk))

    refused = {
        typed: each.output
        for typed, each in zip(uses()[use], done, strict=True)
        if "You lack the right" in each.output
    }
    assert refused
    for typed, output in refused.items():
        assert "python -m ops policy --role" in output
        roles = [each for each in Role if each in roles_for(typed.command, typed.arguments)]
        assert f"which a stage's {either(roles)} has" in output
    assert not [each for each in done if not isinstance(each.exception, SystemExit | None)]


@pytest.mark.parametrize("use", [use for use in COMMANDS if use != SHOW_ACCOUNTS])
def test_the_least_role_of_a_command_is_refused_nothing(use: str, playing: Play) -> None:
    (least, *_) = (each for each in Role if each in COMMANDS[use])

    done = playing.lines(uses()[use], lambda desk: refusing(least, desk))

    assert not [each.output for each in done if "You lack the right" in each.output]


def test_a_check_of_health_that_is_refused_says_which_right_is_missing(playing: Play) -> None:
    (done,) = playing.lines(uses()["health"], lambda desk: refusing(None, desk))

    assert done.exit_code == 1
    rights = {"sqs:GetQueueAttributes", "s3:ListBucket", "dynamodb:GetItem"}
    assert all(f"You lack the right {right}, which" in done.output for right in rights)


def test_accounts_are_shown_to_whoever_may_both() -> None:
    assert roles_for("orders list", [SHOW_ACCOUNTS]) == {Role.OPERATOR, Role.AUDITOR}
    assert roles_for("replay", [SHOW_ACCOUNTS, "--yes"]) == {Role.OPERATOR}
    assert roles_for("deploy", []) == frozenset()
