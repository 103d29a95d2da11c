"""
A stage as plain `chalice deploy` makes it: no `ReportBatchItemFailures`, and nothing is lost.

The emulator has the functions, their roles and the event source mapping of it. It doesn't import
the API's definition, so orders are put on the queue here.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.lint.emulator import excuse
from tests.builders import order_text
from tests.e2e.client import eventually
from tests.e2e.deployment import PROCESSOR, STAGE, EmulatedAccount

BATCH_SIZE = 10


@pytest.fixture(scope="module")
def account(
    tmp_path_factory: pytest.TempPathFactory, deployments: Path
) -> Iterator[EmulatedAccount]:
    with EmulatedAccount(tmp_path_factory.mktemp("chalice-deploy"), deployments) as account:
        account.chalice("deploy", "--stage", STAGE)
        yield account


def test_the_mapping_and_the_functions_have_the_stages_settings(account: EmulatedAccount) -> None:
    mapping = account.mapping()
    functions = {
        function["FunctionName"]: (function["Timeout"], function["MemorySize"])
        for function in account.awslambda.list_functions()["Functions"]
    }

    assert mapping["EventSourceArn"] == account.outputs["QueueArn"]
    assert mapping["BatchSize"] == BATCH_SIZE
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 10}
    assert not mapping.get("FunctionResponseTypes")
    assert functions == {f"orders-{STAGE}": (20, 512), PROCESSOR: (60, 512)}


def test_a_stage_by_chalice_deploy_keeps_the_rules_too(account: EmulatedAccount) -> None:
    """The queue's short times are these tests' own; the others the emulator's: it has no routes."""
    of_the_queue = {"visibility-timeout", "oldest-message-alarm", "outage-bridged"}
    of_the_emulator = {"closed-routes", "record-table", "alarms"}

    broken = account.broken_rules()

    assert broken.keys() == of_the_queue | of_the_emulator
    assert excuse([problem for rule in sorted(of_the_emulator) for problem in broken[rule]])


def test_a_batch_with_one_failing_message_loses_none(
    account: EmulatedAccount,
) -> None:
    account.send(order_text("warm"))
    eventually(lambda: account.records("warm"))
    eventually(lambda: account.waiting() == 0)
    account.spoil_record("failing")
    good = [f"batched-{number}" for number in range(BATCH_SIZE - 1)]

    account.send_as_one_batch(
        *map(order_text, good[:4]), order_text("failing"), *map(order_text, good[4:])
    )
    account.fails_once("failing")
    with account.short_visibility_timeout():
        (dead,) = account.dead_letters(1)

    for order_id in good:
        (record,) = account.records(order_id)
        assert record["status"] == {"S": "ACCEPTED"}
        assert record["receiveCount"] == {"N": "1"}
    assert dead["Body"] == order_text("failing")
    eventually(lambda: account.failed_attempts("failing") == [1, 2, 3, 4, 5])
    assert account.waiting() == 0
    assert "redelivered" not in {line.get("message") for line in account.log_lines(PROCESSOR)}

    account.mend_record("failing")
    account.redrive(dead)

    (record,) = eventually(lambda: account.records("failing"))
    assert record["status"] == {"S": "ACCEPTED"}
