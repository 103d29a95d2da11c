"""`orders show --submission`: what became of one submission, for an operator."""

import json
import shlex
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.aws.items import to_item
from chalicelib.orders.settle import settle
from chalicelib.orders.submission import Submission
from ops.desk.order_table import Identity
from ops.next_command import ops_command
from tests.builders import order_text, sqs_message, submission
from tests.desk_fakes import FakeDecisionBucket, decisions_over
from tests.unit.test_desk_orders import World
from tests.unit.test_ops_commands import typed

ORDER = "order-001"
PUT_AWAY = "1" * 64
SUBMITTED = ["orders", "submit", order_text(ORDER)]


class Stage:
    """A stage of which orders are shown, and what the audit trail was told."""

    def __init__(self) -> None:
        self.world = World()
        self.decisions = decisions_over(FakeDecisionBucket(self.world.clock), self.world.clock)
        self.shown: list[str] = []

    def record(self, submission_id: str, **changes: Any) -> Submission:
        made = submission(order_text(ORDER, **changes), submission_id)
        self.settle(made)
        return made

    def settle(self, made: Submission) -> None:
        if made.order.valid:
            self.world.bucket.put(made.archive_key, made.order.payload.encode())
        settle(made, self.world.records.take, self.world.clock())

    def process_queue(self) -> None:
        for sent in self.world.queue.sent:
            self.settle(submission(sent.body, sent.attributes["submissionId"]))

    def discard(self, submission_id: str, why: str) -> None:
        letter = sqs_message(order_text(ORDER), submissionId=submission_id)
        self.decisions.discard(Identity(ORDER, submission_id, PUT_AWAY), letter, why)

    def types(self, *words: str) -> Any:
        desk = SimpleNamespace(
            orders=self.world.orders,
            unreadable=self.world.unreadable,
            decisions=self.decisions,
            stage=SimpleNamespace(name="local", command=ops_command),
            record_accounts_shown=self.shown.append,
        )
        return typed(list(words), desk)

    def shows(self, submission_id: str, *words: str) -> Any:
        return self.types("orders", "show", ORDER, "--submission", submission_id, *words)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def facts_in(output: str) -> dict[str, str]:
    parts = (line.partition("  ") for line in output.splitlines())
    return {name: value.strip() for name, _, value in parts}


def test_one_submission_is_shown_and_no_other(stage: Stage) -> None:
    stage.record("s-1", amount=10)
    stage.record("s-2", amount=9999)

    done = stage.shows("s-2")

    facts = facts_in(done.stdout)
    assert done.exit_code == 0
    assert (facts["submission"], facts["status"]) == ("s-2", "DUPLICATE")
    assert (facts["amount"], facts["differs in"]) == ("9,999.00", "amount")
    assert "s-1" not in done.stdout
    assert facts["fromAccount"] == "****1111"


def test_accounts_and_the_download_are_shown_when_asked_for_and_the_audit_says_so(
    stage: Stage,
) -> None:
    stage.record("s-1")

    plain, whole = stage.shows("s-1"), stage.shows("s-1", "--show-accounts")

    assert "1111111" not in plain.stdout
    assert "download" not in plain.stdout
    assert facts_in(whole.stdout)["fromAccount"] == "1111111"
    assert "download" in whole.stdout
    assert stage.shown == [f"submission s-1 of order {ORDER}"]


def test_json_has_what_the_api_answers_with_masked(stage: Stage) -> None:
    stage.record("s-1", amount=0)

    shown = json.loads(stage.shows("s-1", "--json").stdout)

    assert shown["submission"]["status"] == "REJECTED"
    assert shown["s3Url"] is None
    assert json.loads(shown["payload"])["fromAccount"] == "****1111"


def test_the_payload_of_a_rejected_submission_is_printed(stage: Stage) -> None:
    made = stage.record("s-1", amount=0)

    done = stage.shows("s-1", "--payload", "--show-accounts")

    assert done.stdout.rstrip("\n") == made.order.payload


def test_an_id_of_several_payloads_is_answered_with_a_command_for_each(stage: Stage) -> None:
    made = [stage.record("s-1", amount=amount) for amount in (10, 9999)]

    done = stage.shows("s-1")

    assert done.exit_code == 1
    commands = done.stderr.split("`")[1::2]
    assert len(commands) == 2
    for command, each in zip(commands, made, strict=True):
        again = stage.types(*shlex.split(command)[3:])
        assert facts_in(again.stdout)["SHA-256"] == each.order.payload_sha256


def test_what_is_not_recorded_may_be_on_the_queue_or_a_dead_letter(stage: Stage) -> None:
    stage.record("s-1")

    done = stage.shows("s-2")

    assert done.exit_code == 1
    assert "s-2 of order-001 is not recorded" in done.stderr
    assert f"dlq list --order {ORDER}`" in done.stderr


@pytest.mark.parametrize("chosen", [[], ["--sha256", PUT_AWAY]])
def test_what_was_put_away_is_named_with_who_decided_it(stage: Stage, chosen: list[str]) -> None:
    """Another submission's decision says nothing of this one."""
    for name, why in (("s-2", "fraud"), ("s-3", "another")):
        stage.discard(name, why)

    done = stage.shows("s-2", *chosen)

    assert "fraud" in done.stderr
    assert "another" not in done.stderr
    assert "on the queue" not in done.stderr


def test_an_item_that_cannot_be_read_is_named_and_ends_with_exit_code_1(stage: Stage) -> None:
    made = stage.record("s-1")
    item = to_item(stage.world.records.of(ORDER)[0], 4)
    stage.world.records.put_by_hand({**item, "status": {"S": "PENDING"}})

    done = stage.shows("s-1", "--sha256", made.order.payload_sha256)

    assert done.exit_code == 1
    assert "No record can be read" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--submission", "a b"], "a submission id is 1 to 128"),
        (["--submission", ""], "a submission id is 1 to 128"),
        (["--submission", "x" * 129], "a submission id is 1 to 128"),
        (["--submission", "s-1", "--sha256", "A" * 64], "64 hexadecimal digits"),
        (["--submission", "s-1", "--sha256", ""], "64 hexadecimal digits"),
        (["--sha256", "0" * 64], "--submission"),
    ],
)
def test_what_cannot_be_used_is_refused(stage: Stage, words: list[str], said: str) -> None:
    done = stage.types("orders", "show", ORDER, *words)

    assert done.exit_code == 2
    assert said in done.stderr


@pytest.mark.parametrize("order_id", [ORDER, "-x", "--json"])
def test_submit_says_what_to_type_to_see_what_became_of_it(stage: Stage, order_id: str) -> None:
    done = stage.types("orders", "submit", "--", order_text(order_id))
    stage.process_queue()

    (command,) = [line.split("`")[1] for line in done.stderr.splitlines() if "`" in line]
    shown = stage.types(*shlex.split(command)[3:])

    assert facts_in(shown.stdout)["submission"] == facts_in(done.stdout)["submission"]
    assert facts_in(shown.stdout)["order"] == order_id


def test_under_a_key_it_names_the_payload_too(stage: Stage) -> None:
    """The key may be used for other bytes: then the id alone would not tell which."""
    done = stage.types(*SUBMITTED, "--idempotency-key", "k-1")

    assert "--sha256 " in done.stderr
    assert "--sha256 " not in stage.types(*SUBMITTED).stderr
