"""`ops pause` and `ops resume`, and what `ops health` says of a pause."""

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chalicelib.services.health import CheckResult, HealthReport, HealthStatus
from ops.desk.audit_trail import AuditTrail
from ops.desk.desk import Desk
from ops.desk.processing import Processing
from ops.next_command import ops_command
from tests.builders import Clock
from tests.desk_fakes import FakeOrdersQueue, FakeOrderTable, FakeSwitch
from tests.surfaces import said, type_words

OPERATOR = "arn:aws:sts::123456789012:assumed-role/operators/ana"


class World:
    """A desk over fakes, and what is typed at it."""

    def __init__(self, *, local: bool = False) -> None:
        self.clock, self.table = Clock(), FakeOrderTable()
        self.switch, self.queue = FakeSwitch(), FakeOrdersQueue()
        trail = AuditTrail(self.table, stage="prod", who=lambda: OPERATOR, clock=self.clock)
        self.desk = SimpleNamespace(
            processing=Processing(
                self.switch,
                self.queue,
                trail,
                hurried=trail,
                own_maximum=5,
                who=lambda: OPERATOR,
                clock=self.clock,
            ),
            health=lambda: HealthReport({"queue": CheckResult(HealthStatus.PASS, 1)}),
            unreadable=(),
            stage=SimpleNamespace(
                name="local" if local else "prod",
                operator=OPERATOR,
                is_local=local,
                command=lambda typed, **options: ops_command(typed, **options, stage="prod"),
            ),
        )

    def types(self, *words: str, code: int = 0, answer: str = "") -> str:
        done = type_words(cast("Desk", self.desk), list(words), answer)
        assert done.exit_code == code, done.output
        return said(done)

    def reads(self, *words: str) -> dict[str, Any]:
        done = type_words(cast("Desk", self.desk), [*words, "--json"])
        read: dict[str, Any] = json.loads(done.stdout)
        return read


@pytest.fixture
def world() -> World:
    return World()


def test_a_pause_says_who_how_long_and_what_to_type(world: World) -> None:
    shown = world.types("pause", "--why", "table is throttled", "--yes")

    assert not world.switch.now.is_on
    assert (
        f"Processing is paused, since 2026-03-01T12:00:00.000Z by {OPERATOR}: table is throttled."
        in shown
    )
    limit = "SQS deletes the oldest from 2026-03-05T12:00:00.000Z on, which is in 96 hours."
    assert f"Messages on the queue: 1,000. {limit}" in shown
    assert "To go on, type `python -m ops resume --stage prod`." in shown


def test_a_pause_of_an_empty_queue_says_how_long_sqs_keeps_what_comes(world: World) -> None:
    world.queue.now = world.queue.now._replace(messages=0)

    shown = world.types("pause", "--why", "table is throttled", "--yes")

    assert "Messages on the queue: 0. SQS keeps each order for 96 hours." in shown


def test_a_pause_is_asked_for_first(world: World) -> None:
    shown = world.types("pause", "--why", "table is throttled", code=1, answer="n\n")

    assert f"Stop processing? (stage prod, as {OPERATOR})" in shown
    assert world.switch.now.is_on


def test_a_pause_needs_a_reason(world: World) -> None:
    assert "--why" in world.types("pause", "--yes", code=2)
    assert world.switch.now.is_on


def test_a_pause_that_is_there_is_shown_without_a_question(world: World) -> None:
    world.types("pause", "--why", "first", "--yes")

    shown = world.types("pause", "--why", "second")

    assert "It was paused already: nothing was changed." in shown
    assert ": first." in shown
    assert "Stop processing?" not in shown


def test_a_resume_without_a_pause_says_that_it_changed_nothing(world: World) -> None:
    shown = world.types("resume", "--why", "is it well?")

    assert "It was not paused: nothing was changed." in shown
    assert world.switch.turns == []


def test_a_resume_says_how_long_the_backlog_takes(world: World) -> None:
    world.queue.now = world.queue.now._replace(messages=720_000)
    world.types("pause", "--why", "table is throttled", "--yes")

    shown = world.types("resume", "--maximum-concurrency", "10")

    assert shown == "Processing goes on. Messages on the queue: 720,000, for about 12 minutes.\n"


def test_a_slow_resume_says_how_to_go_back_to_the_stages_own_concurrency(world: World) -> None:
    world.types("pause", "--why", "table is throttled", "--yes")

    shown = world.types("resume", "--maximum-concurrency", "2")
    later, read = world.types("health"), world.reads("health")
    back = world.types("resume", "--maximum-concurrency", "5")

    hint = (
        "At most 2 batches are processed at once; by the stage's settings, 5. For as many, type "
        "`python -m ops resume --maximum-concurrency 5 --stage prod`."
    )
    assert hint in shown
    assert hint in later
    assert read["processing"]["slowed"] is True
    assert "At most" not in back + world.types("health")


def test_a_pause_of_a_slowed_stage_says_nothing_of_its_speed(world: World) -> None:
    world.types("resume", "--maximum-concurrency", "2")

    assert "At most" not in world.types("pause", "--why", "table is throttled", "--yes")


def test_a_resume_without_a_known_concurrency_says_no_time(world: World) -> None:
    world.switch.now = world.switch.now._replace(maximum_concurrency=None)

    assert "Processing goes on. Messages on the queue: 1,000.\n" in world.types("resume")


def test_the_local_worker_has_a_concurrency_of_its_own() -> None:
    world = World(local=True)

    shown = world.types("resume", "--maximum-concurrency", "3", code=2)

    assert "make run OPTIONS='--concurrency 3'" in shown


@pytest.mark.parametrize("command", [("pause", "--why", "x", "--yes"), ("resume",)])
def test_a_stage_that_nothing_feeds_says_what_to_type(
    world: World, command: tuple[str, ...]
) -> None:
    world.switch.missing = True

    shown = world.types(*command, code=3)

    assert "Nothing feeds orders-prod-process_orders" in shown
    assert "`make deploy STAGE=prod`" in shown


def test_a_lost_permission_says_that_nothing_was_turned(world: World) -> None:
    world.switch.fails = True

    shown = world.types("pause", "--why", "x", "--yes", code=3)

    assert "AWS did not do what it was asked. Lambda UpdateEventSourceMapping" in shown
    assert "To see what answers, type `python -m ops health --stage prod`" in shown


def test_programs_read_a_pause(world: World) -> None:
    world.types("pause", "--why", "account 1234567890 waits", "--yes")

    read = world.reads("pause", "--why", "again")

    assert read == {
        "paused": True,
        "pausedAt": "2026-03-01T12:00:00.000Z",
        "pausedBy": OPERATOR,
        "why": "account ****7890 waits",
        "inAuditTrail": True,
        "messages": 1_000,
        "safeUntil": "2026-03-05T12:00:00.000Z",
        "safeSeconds": 345_600,
        "maximumConcurrency": 5,
        "slowed": False,
        "drainSeconds": 2,
    }


def test_health_says_that_the_processing_is_paused(world: World) -> None:
    well = world.types("health")
    world.types("pause", "--why", "table is throttled", "--yes")
    world.clock.advance(hours=1)

    shown, read = world.types("health"), world.reads("health")

    assert "Processing" not in well
    assert f"by {OPERATOR}: table is throttled." in shown
    assert read["processing"]["paused"] is True


def test_health_says_that_sqs_has_begun_to_delete_orders(world: World) -> None:
    world.types("pause", "--why", "table is throttled", "--yes")
    world.clock.advance(days=5)

    shown, read = world.types("health"), world.reads("health")

    assert "SQS deletes the oldest since 2026-03-05T12:00:00.000Z." in shown
    assert read["processing"]["safeSeconds"] == 0


def test_health_says_of_a_pause_by_other_means_that_nobody_wrote_it_down(world: World) -> None:
    world.switch.now = world.switch.now._replace(is_on=False)
    world.queue.now = world.queue.now._replace(oldest=timedelta(hours=1))

    shown = world.types("health")

    assert "not by `ops pause`: nothing says by whom." in shown
    assert "SQS deletes the oldest from 2026-03-05T11:00:00" in shown


def test_a_pause_while_the_table_does_not_answer_says_that_the_trail_has_it_later(
    world: World,
) -> None:
    with world.table.outage():
        shown = world.types("pause", "--why", "table is gone", "--yes")

    assert ": table is gone." in shown
    assert "The audit trail has no entry of it yet" in shown


def test_health_goes_on_where_the_switch_can_not_be_read(world: World) -> None:
    world.switch.missing = True

    assert "Whether the processing is paused is not known. Nothing feeds" in world.types("health")
    assert world.reads("health")["processing"] is None


def test_health_asks_a_queue_that_does_not_answer_for_nothing_more(world: World) -> None:
    """Each further call would take most of a minute."""
    dead = CheckResult(HealthStatus.FAIL, 5000, "no answer within 5000 ms")
    world.desk.health = lambda: HealthReport({"queue": dead})
    world.switch.position = None  # type: ignore[assignment, method-assign]

    shown, read = world.types("health", code=1), world.reads("health")

    assert "Whether the processing is paused is not known: the queue does not answer." in shown
    assert read["processing"] is None
