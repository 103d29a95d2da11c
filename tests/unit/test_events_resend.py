"""`events resend`: the events of a period once more, each as it was, and never silently fewer."""

import dataclasses
import json
import shlex
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import count, islice, pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.orders.record import Record, Status
from chalicelib.services.queries import AuditQuery
from chalicelib.services.unavailable import StoreUnavailable
from ops.cli.exits import FOUND_WANTING, INTERRUPTED, OUT_OF_REACH
from ops.desk.audit_trail import AuditTrail
from ops.desk.desk import Desk
from ops.desk.newest_first import Bounds
from ops.desk.resending import ITEMS_AT_ONCE, Period, Resending
from ops.patience import FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, MOST_ATTEMPTS
from ops.stop_signals import StopRequested
from tests.application import load_app
from tests.builders import START, order_text, submission
from tests.full_stage import stage_holding
from tests.surfaces import type_words

DAY = date(2026, 3, 1)
EVERY = Period(DAY, DAY, list(Status))
RESEND = ["events", "resend", "--from", "2020-01-01"]
REFUSED = ClientError({"Error": {"Code": "InvalidArgument"}}, "PutEvents")
COUNT_OF_STAGE = 7
"""So many records has the stage of `stage_holding` with one text."""


class FakeTable:
    """The index and the items of a table; an item may be gone."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records
        self.gone: set[str] = set()
        self.read: list[int] = []
        self.asked: list[tuple[AuditQuery, Bounds]] = []
        self.entries: list[Any] = []

    def search(self, query: AuditQuery, bounds: Bounds) -> Iterator[Record]:
        self.asked.append((query, bounds))
        return iter(self.records)

    def records_at(self, keys: Any) -> Iterator[Record]:
        wanted = set(keys)
        self.read.append(len(wanted))
        # In an order of its own, as DynamoDB's.
        for record in reversed(self.records):
            if (record.order_id, record.record_id) in wanted and record.order_id not in self.gone:
                yield record

    def put_new(self, item: Any) -> None:
        self.entries.append(item)

    def newest_of(self, order_id: str) -> Iterator[Any]:
        raise NotImplementedError

    def days_of(self, prefix: str) -> Iterator[Any]:
        raise NotImplementedError


class Clock:
    """A clock on which nothing but a sleep takes time."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class FakeEvents:
    """Takes the events of records; fails at one order, for so many attempts."""

    told: Sequence[Status] = list(Status)

    def __init__(
        self, fails_at: str = "", times: int = 1_000, said: str = "ThrottlingException"
    ) -> None:
        self.calls: list[list[str]] = []
        self.refused = 0
        self._fails_at = fails_at
        self._times = times
        self._said = said

    def publish(self, records: Sequence[Record]) -> int:
        ids = [record.order_id for record in records]
        if self._fails_at in ids and self.refused < self._times:
            self.refused += 1
            raise StoreUnavailable(f"EventBridge PutEvents: {self._said}")
        self.calls.append(ids)
        return len(ids)


def records(number: int) -> list[Record]:
    """Make records, newest first, a second apart."""
    return [
        Record.of_first(submission(order_text(f"o-{n:04d}")), START - timedelta(seconds=n))
        for n in range(number)
    ]


def resending(table: FakeTable, events: FakeEvents, **clocks: Any) -> Resending:
    trail = AuditTrail(table, stage="dev", who=lambda: "ana", clock=lambda: START)
    quick = {"sleep": lambda _: None, "monotonic": lambda: 0.0}
    return Resending(table.search, table, events, trail, "orders-dev", **(quick | clocks))


def what(table: FakeTable) -> list[str]:
    return [item["what"]["S"] for item in table.entries]


def test_every_event_of_the_period_is_sent_once_newest_first_ten_in_a_call() -> None:
    table, events = FakeTable(records(2 * ITEMS_AT_ONCE + 3)), FakeEvents()

    sent = list(resending(table, events).resend(EVERY))

    assert [each for call in events.calls for each in call] == [
        record.order_id for record in table.records
    ]
    assert {len(call) for call in events.calls[:-1]} == {10}
    assert table.read == [ITEMS_AT_ONCE, ITEMS_AT_ONCE, 3]
    assert [each.up_to for each in sent][-1] == table.records[-1].processed_at


def test_the_audit_trail_has_it_before_anything_is_sent_and_when_it_ends() -> None:
    table, events = FakeTable(records(11)), FakeEvents()

    sending = resending(table, events).resend(EVERY, why="the ledger lost a day")
    next(sending)
    begun = what(table)
    sending.close()

    assert begun == ["events.resend"]
    assert what(table) == ["events.resend", "events.resend.ended"]
    first, last = table.entries
    assert first["why"]["S"] == "the ledger lost a day"
    assert first["details"]["M"]["types"]["S"].startswith("orders.order.accepted, ")
    assert last["details"]["M"] == {"sent": {"S": "10"}, "missing": {"S": "0"}}


def test_nothing_is_sent_if_the_audit_trail_can_not_be_written() -> None:
    table, events = FakeTable(records(1)), FakeEvents()

    def refuse(_: Any) -> None:
        raise StoreUnavailable("DynamoDB PutItem: AccessDeniedException")

    table.put_new = refuse  # type: ignore[assignment,method-assign]
    with pytest.raises(StoreUnavailable):
        list(resending(table, events).resend(EVERY))

    assert (events.calls, table.read) == ([], [])


def test_it_goes_on_where_it_was_broken_off_and_leaves_nothing_out() -> None:
    table, events = FakeTable(records(25)), FakeEvents(fails_at="o-0013")
    sending = resending(table, events).resend(EVERY)
    before = next(sending).up_to
    with pytest.raises(StoreUnavailable):
        next(sending)

    rest = FakeTable([each for each in table.records if each.processed_at <= before])
    again = FakeEvents()
    list(resending(rest, again).resend(EVERY._replace(before=before)))

    heard = {each for calls in (events.calls, again.calls) for call in calls for each in call}
    assert heard == {record.order_id for record in table.records}
    assert rest.asked[0][1].before == before
    assert rest.entries[0]["details"]["M"]["before"]["S"] == "2026-03-01T11:59:51.000Z"


@pytest.mark.parametrize(
    "said", ["ThrottlingException", "InternalFailure, ThrottlingException", "ReadTimeoutError"]
)
def test_what_may_pass_is_tried_again_ever_later_and_told(said: str) -> None:
    table = FakeTable(records(25))
    events = FakeEvents(fails_at="o-0013", times=MOST_ATTEMPTS - 1, said=said)
    slept: list[float] = []
    notes: list[str] = []

    # Time flies, so that nothing waits for the pace.
    clocks = {"sleep": slept.append, "monotonic": count(step=1_000).__next__}
    sending = resending(table, events, **clocks).resend(EVERY, note=notes.append)
    sent = [each for piece in sending for each in piece.records]

    assert sent == table.records
    waits = list(filter(None, slept))
    assert len(waits) == len(notes) == MOST_ATTEMPTS - 1
    assert waits[0] <= FIRST_WAIT_SECONDS < LONGEST_WAIT_SECONDS / 2 <= waits[-1]
    assert notes[0] == f"EventBridge PutEvents: {said}: once more in {waits[0]:.1f} s."


def test_each_call_has_all_its_attempts() -> None:
    table = FakeTable(records(20))
    events = FakeEvents()
    refusals = iter([True, False] * 20)
    publish = events.publish

    def publish_each_second_time(records: Sequence[Record]) -> int:
        if next(refusals):
            raise StoreUnavailable("EventBridge PutEvents: ThrottlingException")
        return publish(records)

    events.publish = publish_each_second_time  # type: ignore[method-assign]
    slept: list[float] = []
    list(resending(table, events, sleep=slept.append).resend(EVERY))

    assert len(events.calls) == 2
    assert max(slept) <= FIRST_WAIT_SECONDS


def test_it_gives_up_after_its_last_attempt() -> None:
    events = FakeEvents(fails_at="o-0001")

    with pytest.raises(StoreUnavailable, match="ThrottlingException"):
        list(resending(FakeTable(records(3)), events).resend(EVERY))

    assert events.refused == MOST_ATTEMPTS


@pytest.mark.parametrize(
    "said",
    ["AccessDeniedException", "InvalidArgument, ThrottlingException", "NoCredentialsError"],
)
def test_what_can_not_pass_ends_it_at_once(said: str) -> None:
    events = FakeEvents(fails_at="o-0001", said=said)

    with pytest.raises(StoreUnavailable):
        list(resending(FakeTable(records(3)), events).resend(EVERY))

    assert events.refused == 1


def test_a_record_without_an_item_is_counted_and_has_no_event() -> None:
    table, events = FakeTable(records(3)), FakeEvents()
    table.gone = {"o-0001"}

    (sent,) = resending(table, events).resend(EVERY)

    assert events.calls == [["o-0000", "o-0002"]]
    assert sent.missing == 1


def test_memory_holds_the_items_of_one_call_however_long_the_period_is() -> None:
    (one,) = records(1)
    pulled = 0

    def endless() -> Iterator[Record]:
        nonlocal pulled
        for number in count():
            pulled += 1
            yield one._replace(order_id=f"o-{number}")

    table, events = FakeTable([]), FakeEvents()
    table.search = lambda *_: endless()  # type: ignore[method-assign]

    list(islice(resending(table, events).resend(EVERY), 35))

    assert pulled <= 4 * ITEMS_AT_ONCE
    assert table.read == [ITEMS_AT_ONCE] * 4


def test_it_keeps_to_its_pace() -> None:
    slept: list[float] = []
    table, events = FakeTable(records(30)), FakeEvents()

    list(resending(table, events, sleep=slept.append).resend(EVERY, per_second=20))

    assert slept == [0.0, 0.5, 1.0]


def test_it_catches_nothing_up_after_a_pause() -> None:
    """After a throttle, all that was due meanwhile would go out at once, and be throttled again."""
    clock = Clock()
    table, events = FakeTable(records(60)), FakeEvents(fails_at="o-0020", times=MOST_ATTEMPTS - 1)

    clocks = {"sleep": clock.sleep, "monotonic": clock.monotonic}
    sending = resending(table, events, **clocks).resend(EVERY, per_second=20)
    sent_at = [clock.seconds for _ in sending]

    assert sent_at[2] > LONGEST_WAIT_SECONDS
    assert [later - sooner for sooner, later in pairwise(sent_at[3:])] == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(
    ("told", "asked_for", "found"),
    [
        ([Status.ACCEPTED], Status.ACCEPTED, {"ACCEPTED"}),
        ([Status.REJECTED, Status.DUPLICATE], None, {"REJECTED"}),
        (list(Status), None, {"ACCEPTED", "REJECTED"}),
    ],
)
def test_only_the_told_verdicts_are_sent(
    told: list[Status], asked_for: Status | None, found: set[str]
) -> None:
    rejected = Record.of_first(submission(order_text("bad", amount=0)), START)
    table = FakeTable([rejected, *records(1)])

    listed = resending(table, FakeEvents()).found(EVERY._replace(told=told))

    wanted = {each.status.value for each in listed}
    (query, _), *_ = table.asked
    assert query.only.status == asked_for
    # The index leaves the others out by itself where one verdict is asked for.
    assert wanted == found


# The command, over a stage.


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with stage_holding("plain") as desk:
        yield desk


def with_settings(desk: Desk, **environment: str) -> Desk:
    changed = {**desk.stage.environment, **environment}
    return Desk(dataclasses.replace(desk.stage, environment=changed))


class Bus:
    """A listener to the stage's bus. It fails, or stops the command, from one call on."""

    def __init__(self, desk: Desk) -> None:
        self.details: list[str] = []
        self.fails_from: int | None = None
        self.error: BaseException = REFUSED
        self.calls = 0
        desk.stage.events.meta.events.register("provide-client-params.events.PutEvents", self._take)

    def _take(self, params: dict[str, Any], **_: object) -> None:
        if self.calls == self.fails_from:
            raise self.error
        self.calls += 1
        self.details += [entry["Detail"] for entry in params["Entries"]]

    @property
    def ids(self) -> set[str]:
        return {json.loads(each)["id"] for each in self.details}


def published_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the function of the stream publish each item of the table, as it did the first time."""
    other = with_settings(desk)
    bus = Bus(other)
    monkeypatch.setenv("ORDERS_EVENTS", "eventbridge")
    monkeypatch.setenv("ORDERS_STREAM_ARN", "arn:stream")
    handler = load_app(other._application).app.handler_map["publish_events"]
    items = other.stage.dynamodb.scan(TableName=other.stage.settings.table)["Items"]
    handler(
        {"Records": [{"eventName": "INSERT", "dynamodb": {"NewImage": i}} for i in items]}, None
    )
    return bus.details


def test_each_event_is_the_one_that_was_sent_byte_for_byte(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = published_once(desk, monkeypatch)
    again = with_settings(desk)
    bus = Bus(again)

    done = type_words(again, [*RESEND, "--yes"])

    assert done.exit_code == 0, done.output
    assert len(first) == COUNT_OF_STAGE
    assert sorted(bus.details) == sorted(first)


def test_it_says_how_many_of_each_type(desk: Desk) -> None:
    done = type_words(desk, [*RESEND, "--yes"])

    assert done.stdout == (
        "7 events (2 orders.order.accepted, 3 orders.order.duplicate, 2 orders.order.rejected) "
        "sent again.\n"
    )


def test_a_dry_run_counts_the_same_and_sends_and_writes_nothing(desk: Desk) -> None:
    other = with_settings(desk)
    bus, before = Bus(other), entries(desk)

    done = type_words(other, [*RESEND, "--dry-run", "--json"])

    told = json.loads(done.stdout)
    assert (told["events"], told["dryRun"]) == (COUNT_OF_STAGE, True)
    assert told["byType"]["orders.order.accepted"] == 2
    assert (bus.calls, entries(desk)) == (0, before)


def test_it_asks_before_it_sends(desk: Desk) -> None:
    other = with_settings(desk)
    bus = Bus(other)

    done = type_words(other, RESEND, "n\n")

    assert done.exit_code == 1
    assert "again, at most 100 a second, to orders-s" in done.output
    assert bus.calls == 0


def test_only_one_verdicts_events_can_be_sent(desk: Desk) -> None:
    other = with_settings(desk)
    bus = Bus(other)

    type_words(other, [*RESEND, "--status", "rejected", "--yes"])

    assert {json.loads(each)["type"] for each in bus.details} == {"orders.order.rejected"}


def test_a_stage_that_tells_accepted_orders_only_sends_no_others(desk: Desk) -> None:
    other = with_settings(desk, ORDERS_EVENTS_OF="accepted")
    bus = Bus(other)

    type_words(other, [*RESEND, "--yes"])
    refused = type_words(other, [*RESEND, "--status", "rejected", "--yes"])

    assert {json.loads(each)["type"] for each in bus.details} == {"orders.order.accepted"}
    assert refused.exit_code == 2
    assert "tells no REJECTED orders: see EventsOf" in refused.output


@pytest.mark.parametrize("options", [[], ["--dry-run"], ["--yes"]])
def test_a_stage_without_events_gets_one_line_with_what_to_type(
    desk: Desk, options: list[str]
) -> None:
    before = entries(desk)

    done = type_words(with_settings(desk, ORDERS_EVENTS="off"), [*RESEND, *options])

    assert done.exit_code == OUT_OF_REACH
    assert done.output.startswith("Error: Stage local publishes no events. To turn them on, ")
    assert entries(desk) == before


def test_the_days_have_to_be_said(desk: Desk) -> None:
    done = type_words(desk, ["events", "resend", "--yes"])

    assert done.exit_code == 2
    assert "Say which days" in done.output


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (REFUSED, OUT_OF_REACH),
        (StopRequested(), INTERRUPTED),
    ],
)
@pytest.mark.parametrize("calls", [0, 1])
def test_what_was_broken_off_names_the_command_that_goes_on(
    error: BaseException, exit_code: int, calls: int
) -> None:
    with stage_holding("plain", "simple", "third") as desk:
        other = with_settings(desk)
        bus = Bus(other)
        bus.fails_from, bus.error = calls, error

        done = type_words(other, [*RESEND, "--why", "a reason", "--yes"])
        (line,) = [each for each in done.stderr.splitlines() if each.startswith("To go on, type")]
        words = shlex.split(line.partition("`")[2].rpartition("`")[0])
        bus.fails_from = None
        again = type_words(other, [*words[3:], "--yes"])

        assert done.exit_code == exit_code
        assert words[:5] == ["python", "-m", "ops", "events", "resend"]
        assert ("--before" in words) is (calls > 0)
        left = (
            f"what was recorded until {words[words.index('--before') + 1]}"
            if calls
            else "all others"
        )
        assert f"Not sent, or only in part: {left}" in " ".join(done.stderr.split())
        assert again.exit_code == 0, again.output
        items = other.stage.dynamodb.scan(TableName=other.stage.settings.table)["Items"]
        recorded = {
            f"{item['submissionId']['S']}.{item['payloadSha256']['S']}"
            for item in items
            if "submissionId" in item and "status" in item
        }
        assert bus.ids == recorded


def test_a_record_that_is_gone_is_told_by_the_exit_code(desk: Desk) -> None:
    table = FakeTable(records(3))
    table.gone = {"o-0001"}
    other = with_settings(desk)
    vars(other)["resending"] = resending(table, FakeEvents())

    done = type_words(other, [*RESEND, "--yes"])

    assert done.exit_code == FOUND_WANTING
    assert done.stdout == "2 events (2 orders.order.accepted) sent again.\n"
    assert "Listed by the index, and gone from the table: 1." in done.stderr


def entries(desk: Desk) -> int:
    """Count the entries of the audit trail."""
    done = type_words(desk, ["audit", "--json"])
    return len(done.stdout.splitlines())
