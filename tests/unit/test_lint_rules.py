"""The rules: a good stage keeps them all, and each notices the fault that it is about."""

import json
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from ops.cli import lint
from ops.cli.commands import main
from ops.lint.not_deployed import NotDeployed
from ops.lint.principals_rule import notices
from ops.lint.rules import RULES
from ops.lint.stage import (
    AlarmSettings,
    BucketSettings,
    EventsSettings,
    FunctionSettings,
    GatewaySettings,
    KeySettings,
    MappingSettings,
    NamedText,
    QueueSettings,
    SealKey,
    SealSettings,
    StageSettings,
    TableSettings,
)
from ops.lint.stage_rules import ALARMS
from ops.object_lock import Lock

QUEUE, DLQ, OTHER = "arn:aws:sqs:::orders-prod", "arn:aws:sqs:::orders-dlq-prod", "arn:aws:sqs:::x"
ROLE = "arn:aws:iam::111122223333:role"
# Roles of channels may be called as a stage of ours would be.
CALLERS = f"web={ROLE}/orders-web mobile={ROLE}/orders-dev reader={ROLE}/orders-web"

GOOD = StageSettings(
    stage="prod",
    queue=QueueSettings(
        arn=QUEUE,
        visibility_timeout_seconds=360,
        retention_seconds=345_600,
        encrypted=True,
        refuses_plain_http=True,
        moves_to=DLQ,
        maximum_receives=30,
    ),
    dead_letter_queue=QueueSettings(
        arn=DLQ,
        visibility_timeout_seconds=30,
        retention_seconds=1_209_600,
        encrypted=True,
        refuses_plain_http=True,
        takes_from=(QUEUE,),
    ),
    bucket=BucketSettings(
        versioned=True, encrypted=True, closed_to_the_public=True, refuses_plain_http=True
    ),
    table=TableSettings(recoverable=True, protected=True, on_demand=True, expires_by="expiresAt"),
    api=FunctionSettings(
        timeout_seconds=20, variables={"ORDERS_PRINCIPALS": CALLERS}, log_retention_days=30
    ),
    processor=FunctionSettings(
        timeout_seconds=60, variables={"ORDERS_PARTIAL_BATCH": "enabled"}, log_retention_days=30
    ),
    mapping=MappingSettings(
        queue_arn=QUEUE,
        batch_size=10,
        window_seconds=0,
        maximum_concurrency=10,
        reports_failures=True,
    ),
    gateway=GatewaySettings(
        rest_api_id="a1b2c3",
        stages=frozenset({"prod"}),
        routes={
            "GET /": False,
            "GET /health": False,
            "GET /docs": False,
            "GET /openapi.json": False,
            "GET /asyncapi.json": False,
            "POST /orders": True,
        },
    ),
    alarms=frozenset(f"orders-prod-{name}" for name in ALARMS),
    oldest_message_alarm=AlarmSettings(threshold=480, lasting_seconds=180),
)


def telling(stack: str | None, function: str | None, *fed: str) -> StageSettings:
    """Give the good stage events: what its stack, its function and its stream's filter tell."""
    pattern = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"status": {"S": list(fed)}}}}
    patterns = (json.dumps(pattern),) if fed else ()
    return replace(GOOD, events=EventsSettings(stack, function, patterns))


def changed(part: str, **changes: Any) -> StageSettings:
    """Change one part of the good stage."""
    return replace(GOOD, **{part: replace(getattr(GOOD, part), **changes)})


def locking(mode: str, days: int, has: Lock | None = None, stage: str = "prod") -> StageSettings:
    """Ask for Object Lock; the bucket has it, unless it has another."""
    wanted = Lock(mode, days)
    bucket = replace(GOOD.bucket, lock=wanted if has is None else has)
    return replace(GOOD, bucket=bucket, lock_wanted=wanted, stage=stage)


KEY = "arn:aws:kms:eu-west-1:111122223333:key/1"
SEAL_KEY = SealKey(
    enabled=True,
    spec="ECC_NIST_P256",
    usage="SIGN_VERIFY",
    is_of_account=True,
    aliases=frozenset({"alias/other", "alias/orders-prod-seal_days"}),
)
SEALER = FunctionSettings(timeout_seconds=900, variables={}, log_retention_days=30)


def sealing(on: bool = True, key_arn: str = KEY, **changes: Any) -> StageSettings:
    """Seal each night, with a key that was looked at."""
    key = replace(SEAL_KEY, **changes)
    return replace(
        GOOD,
        seals=SealSettings(on, key_arn, key if key_arn else None),
        sealer=SEALER,
        alarms=GOOD.alarms | {"orders-prod-seals-late"},
    )


def called_by(callers: str | None, stage: str = "prod") -> StageSettings:
    """Change the table of callers."""
    variables = {} if callers is None else {"ORDERS_PRINCIPALS": callers}
    return replace(changed("api", variables=variables), stage=stage)


def allowing(batches: str) -> dict[str, str]:
    """Make the processor's variables of a stage that allows so many batches at once."""
    return {**GOOD.processor.variables, "ORDERS_MAXIMUM_CONCURRENCY": batches}


BAD_CALLERS = (
    *(" ", "web", f"branch={ROLE}/a", "web=orders-web", f"web={ROLE}/a,{ROLE}/b"),
    f"web={ROLE}/a mobile=x",
    # Twice, in one spelling or in two; for two channels.
    f"web={ROLE}/a web={ROLE}/a",
    f"web={ROLE}/a web=arn:aws:sts::111122223333:assumed-role/a",
    f"reader={ROLE}/a reader={ROLE}/a",
    f"web={ROLE}/a mobile={ROLE}/path/a",
)

OF_DEV = (
    *("orders-dev", "orders-dlq-dev", "orders-events-dev", "orders-events-dlq-dev"),
    *("orders-dev-000000000000", "arn:*:s3:::orders-dev-????????????/orders/*"),
    "https://sqs.us-east-1.amazonaws.com/111122223333/orders-dlq-dev",
    "arn:*:dynamodb:*:*:table/orders-dev/index/audit",
    "arn:*:logs:*:*:log-group:/aws/lambda/orders-dev-process_orders:*",
    *("orders-prod-eu", "orders-dev-prod", "policy-api-dev.json"),
)
OF_PROD_OR_NOBODY = (
    *("orders-prod", "orders-dlq-prod", "orders-prod-000000000000", "policy-api-prod.json"),
    "arn:*:s3:::orders-prod-????????????/orders/*",
    *("arn:*:s3:::orders-of-our-bank/orders/*", "*", "iam", "eventbridge", ""),
    "arn:*:logs:*:*:log-group:/aws/lambda/orders-prod-publish_events:*",
)


@pytest.mark.parametrize("text", OF_PROD_OR_NOBODY)
def test_a_stage_may_name_what_is_its_own_or_no_stages(text: str) -> None:
    assert broken(replace(GOOD, names=(NamedText("it", text),))) == set()


def test_a_stage_may_be_traced_as_a_whole() -> None:
    traced = {
        part: replace(getattr(GOOD, part), traced=True) for part in ("gateway", "api", "processor")
    }

    assert broken(replace(GOOD, **traced)) == set()


def key_with(*statements: Any, **changes: Any) -> KeySettings:
    """Make a key whose policy has these statements."""
    key = KeySettings(
        arn="arn:aws:kms:eu-west-1:111122223333:key/1",
        enabled=True,
        policy={"Statement": [{"Effect": "Allow", **each} for each in statements]},
        caller_account="111122223333",
        services=("sqs", "s3", "dynamodb", "sns"),
    )
    return replace(key, **changes)


def broken(stage: StageSettings) -> set[str]:
    return {rule.name for rule in RULES if rule.broken_by(stage)}


def test_a_good_stage_keeps_every_rule() -> None:
    assert broken(GOOD) == set()


BAD = [
    ("partial-batch-pair", changed("processor", variables={})),
    ("partial-batch-pair", changed("mapping", reports_failures=False)),
    ("visibility-timeout", changed("queue", visibility_timeout_seconds=359)),
    ("visibility-timeout", changed("mapping", window_seconds=1)),
    ("oldest-message-alarm", changed("oldest_message_alarm", threshold=541)),
    ("oldest-message-alarm", changed("oldest_message_alarm", lasting_seconds=300)),
    ("dead-letter-queue", changed("queue", moves_to=OTHER)),
    ("dead-letter-queue", changed("queue", moves_to=None)),
    ("dead-letter-queue", changed("queue", maximum_receives=4)),
    ("outage-bridged", changed("queue", maximum_receives=20)),
    ("outage-bridged", changed("queue", maximum_receives=482)),
    ("dead-letter-queue", changed("dead_letter_queue", takes_from=())),
    ("dead-letter-queue", changed("dead_letter_queue", takes_from=(QUEUE, OTHER))),
    ("retention-order", changed("dead_letter_queue", retention_seconds=345_600)),
    ("mapping-source", changed("mapping", queue_arn=OTHER)),
    ("processing-on", changed("mapping", polls=False)),
    ("batch-and-window", changed("mapping", batch_size=11)),
    ("batch-and-window", changed("mapping", batch_size=0)),
    ("time-for-a-batch", changed("processor", timeout_seconds=44)),
    ("maximum-concurrency", changed("mapping", maximum_concurrency=None)),
    ("maximum-concurrency", changed("mapping", maximum_concurrency=1)),
    ("maximum-concurrency", changed("processor", reserved_concurrency=9)),
    ("own-concurrency", changed("processor", variables=allowing("5"))),
    ("own-concurrency", changed("processor", variables=allowing("20"))),
    ("api-timeout", changed("api", timeout_seconds=29)),
    ("closed-routes", changed("gateway", routes={"GET /health": False, "GET /orders": False})),
    ("closed-routes", changed("gateway", routes={"GET /health": True})),
    ("closed-routes", changed("gateway", routes={})),
    ("one-api-stage", changed("gateway", stages=frozenset({"prod", "Stage"}))),
    ("tracing", changed("gateway", traced=True)),
    ("tracing", changed("api", traced=True)),
    ("tracing", changed("processor", traced=True)),
    ("key-policy", replace(GOOD, key=key_with({}))),
    ("encryption-at-rest", changed("queue", encrypted=False)),
    ("encryption-at-rest", changed("dead_letter_queue", encrypted=False)),
    ("encryption-at-rest", changed("bucket", encrypted=False)),
    ("encryption-in-transit", changed("queue", refuses_plain_http=False)),
    ("encryption-in-transit", changed("bucket", refuses_plain_http=False)),
    ("archive-bucket", changed("bucket", versioned=False)),
    ("archive-bucket", changed("bucket", closed_to_the_public=False)),
    ("object-lock", locking("governance", 0)),
    ("object-lock", locking("off", 30)),
    ("object-lock", locking("governance", 30, has=Lock())),
    ("object-lock", locking("governance", 30, has=Lock("no default"))),
    ("object-lock", locking("compliance", 30, has=Lock("governance", 30))),
    ("object-lock", locking("compliance", 31, has=Lock("compliance", 30))),
    ("object-lock", locking("off", 0, has=Lock("governance", 30))),
    ("seals", sealing(key_arn="")),
    ("seals", replace(sealing(), sealer=None)),
    ("seals", replace(sealing(), alarms=GOOD.alarms)),
    ("seals", sealing(enabled=False)),
    ("seals", sealing(spec="ECC_NIST_P384")),
    ("seals", sealing(spec="SYMMETRIC_DEFAULT", usage="ENCRYPT_DECRYPT")),
    ("seals", sealing(usage="KEY_AGREEMENT")),
    ("seals", sealing(is_of_account=False, aliases=frozenset())),
    ("seals", sealing(aliases=frozenset({"alias/orders-dev-seal_days"}))),
    # Without the function too: an operator seals by hand.
    ("seals", sealing(on=False, usage="KEY_AGREEMENT")),
    ("log-retention", replace(sealing(), sealer=replace(SEALER, log_retention_days=None))),
    (
        "application-log-level",
        replace(sealing(), sealer=replace(SEALER, application_log_level="WARN")),
    ),
    ("record-table", changed("table", recoverable=False)),
    ("record-table", changed("table", protected=False)),
    ("record-table", changed("table", on_demand=False)),
    ("record-table", changed("table", expires_by=None)),
    ("record-table", changed("table", expires_by="processedAt")),
    *[("alarms", replace(GOOD, alarms=GOOD.alarms - {f"orders-prod-{name}"})) for name in ALARMS],
    ("log-retention", changed("api", log_retention_days=None)),
    ("log-retention", changed("processor", log_retention_days=None)),
    ("application-log-level", changed("api", application_log_level="WARN")),
    ("application-log-level", changed("processor", application_log_level="FATAL")),
    *[("principals", called_by(text)) for text in BAD_CALLERS],
    ("environment-variables", called_by(f"web={ROLE}/{'x' * 4_090}")),
    (
        "environment-variables",
        changed("processor", variables={"ORDERS_PARTIAL_BATCH": "enabled", "X": "ñ" * 2_100}),
    ),
    ("events-told", telling("all", "accepted", "ACCEPTED")),
    ("events-told", telling("accepted", "all", "ACCEPTED", "REJECTED", "DUPLICATE")),
    ("events-told", telling("all", "all", "ACCEPTED", "REJECTED")),
    ("events-told", telling("accepted", "accepted", "ACCEPTED", "REJECTED")),
    ("own-names", changed("gateway", stages=frozenset({"dev"}))),
    ("own-names", replace(GOOD, names=(NamedText("a tag", "dev", "prod"),))),
    *[("own-names", replace(GOOD, names=(NamedText("it", text),))) for text in OF_DEV],
]


@pytest.mark.parametrize(("rule", "stage"), BAD)
def test_each_fault_breaks_its_own_rule_and_no_other(rule: str, stage: StageSettings) -> None:
    assert broken(stage) == {rule}


def test_every_rule_is_tested_and_names_its_source() -> None:
    assert {name for name, _ in BAD} == {rule.name for rule in RULES}
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.source.startswith("https://docs.aws.amazon.com/") for rule in RULES)


@pytest.mark.parametrize(
    "stage",
    [
        changed("mapping", batch_size=100, window_seconds=1),
        changed("processor", reserved_concurrency=10),
        changed("mapping", maximum_concurrency=1000),
        changed("processor", variables=allowing("10")),
        locking("governance", 30),
        locking("compliance", 3650),
        sealing(),
        # Nobody looked at the key: it can't be done where there is no account.
        replace(sealing(), seals=SealSettings(on=True, key_arn=KEY)),
        sealing(on=False, is_of_account=False, aliases=frozenset()),
        telling("accepted", "accepted", "ACCEPTED"),
        telling("all", "all", "DUPLICATE", "REJECTED", "ACCEPTED"),
        # As before there was a choice, and as `chalice deploy` makes it.
        telling(None, None, "ACCEPTED"),
        telling("all", "all"),
        replace(GOOD, events=EventsSettings("all", "all", ('{"eventName": ["INSERT"]}',))),
    ],
)
def test_an_allowed_setting_breaks_no_rule(stage: StageSettings) -> None:
    roomy = replace(stage, queue=replace(stage.queue, visibility_timeout_seconds=361))

    assert broken(roomy) == set()


@pytest.mark.parametrize(("mode", "breaks"), [("governance", False), ("compliance", True)])
def test_a_stage_that_may_be_deleted_can_lock_its_objects_but_not_for_good(
    mode: str, *, breaks: bool
) -> None:
    assert ("object-lock" in broken(locking(mode, 30, stage="dev"))) is breaks


def test_a_stage_for_trying_needs_no_deletion_protection() -> None:
    stage = replace(changed("table", protected=False), stage="dev")

    assert "record-table" not in broken(stage)


class Deployed:
    """A stand-in for the stage on AWS."""

    def __init__(self, found: StageSettings | Exception) -> None:
        self._found = found

    def settings(self) -> StageSettings:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run_lint(found: StageSettings | Exception, *options: str) -> tuple[int, str]:
        monkeypatch.setattr(lint, "DeployedStage", lambda _: Deployed(found))
        result = CliRunner().invoke(main, ["lint", "--stage", "prod", *options])
        return result.exit_code, result.output

    return run_lint


def test_the_command_names_the_fault_and_its_recommendation(run: Any) -> None:
    code, output = run(changed("queue", visibility_timeout_seconds=350))

    assert code == 1
    assert "the visibility timeout is 350 s, and should be at least 360 s" in output
    assert "AWS: At least six times the function's time-out" in output
    assert f"Stage prod: {len(RULES) - 1} of {len(RULES)} rules are kept." in output


def test_the_command_lists_kept_rules_only_on_request(run: Any) -> None:
    assert run(GOOD) == (0, f"Stage prod: {len(RULES)} of {len(RULES)} rules are kept.\n")
    assert "kept    visibility-timeout" in run(GOOD, "--verbose")[1]


def test_the_second_stage_of_an_api_is_named_with_the_command_that_deletes_it(run: Any) -> None:
    _, output = run(changed("gateway", stages=frozenset({"prod", "Stage"})))

    assert "`aws apigateway delete-stage --rest-api-id a1b2c3 --stage-name Stage`" in output


def test_a_missing_stage_is_reported(run: Any) -> None:
    code, output = run(NotDeployed("There is no stack orders-resources-prod here: type ..."))

    assert (code, output) == (1, "Error: There is no stack orders-resources-prod here: type ...\n")


ON_EMULATOR = replace(GOOD, emulated=True)
DROPPED = replace(GOOD.table, recoverable=False)


def test_the_command_marks_a_finding_that_only_the_emulator_causes(run: Any) -> None:
    code, output = run(replace(ON_EMULATOR, table=DROPPED))

    assert code == 0
    assert output == (
        "differs record-table\n"
        "        the table has no point-in-time recovery: the emulator drops this setting.\n"
        f"Stage prod: {len(RULES) - 1} of {len(RULES)} rules are kept, 1 differs on the emulator.\n"
    )


def test_a_lock_that_the_emulator_did_not_make_is_no_finding(run: Any) -> None:
    code, output = run(replace(locking("governance", 30, has=Lock()), emulated=True))

    assert code == 0
    assert "the bucket has no Object Lock, which ObjectLock asks for: the emulator drops" in output


def test_the_routes_of_chalice_deploy_are_no_finding_of_an_emulator(run: Any) -> None:
    gateway = replace(GOOD.gateway, routes={})

    code, output = run(replace(ON_EMULATOR, gateway=gateway, table=DROPPED))

    assert code == 0
    assert "differs closed-routes\n        the API has no route: the emulator takes none" in output
    assert "rules are kept, 2 differ on the emulator.\n" in output


@pytest.mark.parametrize("gateway", [GOOD.gateway, replace(GOOD.gateway, routes={})])
def test_aws_itself_is_never_excused(run: Any, gateway: GatewaySettings) -> None:
    code, output = run(replace(GOOD, gateway=gateway, table=DROPPED))

    assert code == 1
    assert "broken  record-table" in output
    assert "emulator" not in output


def test_a_rule_that_is_broken_in_earnest_too_is_broken_on_an_emulator(run: Any) -> None:
    code, output = run(replace(ON_EMULATOR, table=replace(DROPPED, on_demand=False)))

    assert code == 1
    assert (
        "broken  record-table\n        the table has no point-in-time recovery: the emu" in output
    )
    assert (
        "        the table's capacity is provisioned: a burst of orders is throttled.\n" in output
    )


def test_a_stage_for_orders_that_maps_no_caller_is_told_what_that_means(run: Any) -> None:
    for callers in None, "":
        code, output = run(called_by(callers))

        assert code == 0
        assert "notice  ORDERS_PRINCIPALS is not set: every caller whom IAM lets in" in output
        assert f"{len(RULES)} of {len(RULES)} rules are kept." in output


@pytest.mark.parametrize("stage", ["dev", "local"])
def test_a_stage_for_trying_needs_no_callers(stage: str) -> None:
    assert list(notices(called_by(None, stage))) == []


@pytest.mark.parametrize(
    ("callers", "said"),
    [
        ("web=arn:aws:iam::*:role/a", "lets in callers of any account: name yours"),
        ("web=arn:*:iam::111122223333:user/a", "lets in callers of any partition: name yours"),
        ("reader=arn:*:iam::*:role/a", "lets in callers of any partition and any account: name"),
    ],
)
def test_a_table_that_lets_in_whole_accounts_is_noticed(callers: str, said: str) -> None:
    stage = called_by(f"{CALLERS} {callers}")

    assert broken(stage) == set()
    (notice,) = notices(stage)
    assert notice.startswith(f"ORDERS_PRINCIPALS: {callers} ")
    assert said in notice


def test_a_bad_table_is_a_broken_rule_and_no_notice() -> None:
    assert list(notices(called_by("web=x"))) == []
    assert list(notices(GOOD)) == []
