"""The audit trail: it keeps the operators' actions, and no list of orders ever shows it."""

from collections.abc import Iterator
from datetime import date, timedelta

from chalicelib.aws.items import Item
from chalicelib.orders.order import is_order_id
from ops.desk.audit_trail import AuditTrail
from ops.desk.unreadable_records import UnreadableRecords
from tests.builders import START, Clock
from tests.desk_fakes import FakeOrderTable

TODAY = START.date()


def audit_trail(table: FakeOrderTable, clock: Clock | None = None) -> AuditTrail:
    return AuditTrail(table, stage="prod", who=lambda: "arn:ana", clock=clock or Clock())


def test_an_action_says_who_when_what_and_why() -> None:
    trail = audit_trail(FakeOrderTable())

    written = trail.write("dlq.discard", why="a test", message="m-1", order=None)

    assert list(trail.newest_first(TODAY, TODAY)) == [written]
    assert (written.who, written.at, written.stage) == ("arn:ana", START, "prod")
    assert (written.what, written.why, written.details) == (
        "dlq.discard",
        "a test",
        {"message": "m-1"},
    )


def test_the_text_of_a_discarded_letter_is_kept_whole_and_shown_masked() -> None:
    trail = audit_trail(FakeOrderTable())

    written = trail.write("dlq.discard", payload='{"toAccount": "5550123456"}', letters=123456)

    assert written.details["payload"] == '{"toAccount": "5550123456"}'
    assert written.masked.details == {"payload": '{"toAccount": "****3456"}', "letters": "123456"}


def test_actions_come_newest_first_over_days() -> None:
    clock = Clock()
    trail = audit_trail(FakeOrderTable(), clock)
    for number in range(4):
        trail.write(f"action-{number}")
        clock.advance(hours=10)

    actions = list(trail.newest_first(TODAY, TODAY + timedelta(days=9)))

    assert [action.what for action in actions] == ["action-3", "action-2", "action-1", "action-0"]
    assert [a.what for a in trail.newest_first(TODAY, TODAY)] == ["action-1", "action-0"]


def test_a_period_since_the_calendars_first_day_ends_soon_after_the_first_action() -> None:
    table, clock = FakeOrderTable(), Clock()
    trail = audit_trail(table, clock)
    trail.write("first")
    clock.advance(days=900)
    trail.write("second")
    read: list[str] = []
    newest_of = table.newest_of

    def counted(order_id: str) -> Iterator[Item]:
        read.append(order_id)
        return newest_of(order_id)

    table.newest_of = counted  # type: ignore[method-assign]

    actions = list(trail.newest_first(date.min, date.max))

    assert [action.what for action in actions] == ["second", "first"]
    assert len(read) < 20


def test_a_distant_period_ends() -> None:
    trail = audit_trail(FakeOrderTable())

    assert list(trail.newest_first(date.max, date.max)) == []
    assert list(trail.newest_first(date.min, date.min)) == []


def test_two_actions_at_the_same_moment_are_both_kept() -> None:
    trail = audit_trail(FakeOrderTable())

    trail.write("one")
    trail.write("two")

    assert len(list(trail.newest_first(TODAY, TODAY))) == 2


def test_an_entry_cannot_be_taken_for_an_order() -> None:
    """Its key is no order's, and it has no key attribute of an index."""
    table = FakeOrderTable()

    audit_trail(table).write("dlq.redrive")

    (item,) = table.items.values()
    assert not is_order_id(item["orderId"]["S"])
    assert not item.keys() & {"auditPartition", "auditPosition", "historyPosition"}
    assert not item.keys() & {"s3Key", "submissionId"}


def test_an_entry_that_was_changed_is_named_and_does_not_end_the_trail() -> None:
    table, clock = FakeOrderTable(), Clock()
    unreadable = UnreadableRecords()
    trail = AuditTrail(
        table, stage="prod", who=lambda: "arn:ana", clock=clock, unreadable=unreadable
    )
    day = f"#audit/{TODAY.isoformat()}"
    forms: list[Item] = [{}, {"at": {"S": "now"}}, {"at": {"S": 1}, "who": {"N": "1"}}]
    for number, item in enumerate(forms):
        table.put_new({"orderId": {"S": day}, "recordId": {"S": f"~{number}"}, **item})
    written = trail.write("action")

    assert list(trail.newest_first(TODAY, TODAY)) == [written]
    assert [(each.order_id, each.record_id) for each in unreadable] == [
        (day, f"~{number}") for number in (2, 1, 0)
    ]
