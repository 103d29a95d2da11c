"""An item that can't be read as a record is a finding in a list, and never the end of it."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.items import (
    REQUIRED,
    Item,
    from_item,
    listed_from_item,
    to_item,
    written_records,
)
from chalicelib.orders.record import (
    CORRECTION_SLOT,
    FIRST_SLOT,
    Record,
    Status,
    UnreadableRecord,
)
from chalicelib.services.message import Message
from chalicelib.services.processed import Processed
from chalicelib.services.processing import Processor
from chalicelib.services.queries import AuditFilter, AuditQuery, Queries
from chalicelib.services.unavailable import StoreUnavailable
from ops.cli.commands import main
from ops.console.listing import unreadable_notices
from ops.console.texts import texts_in
from ops.desk.audit_trail import AuditTrail
from ops.desk.decision_log import Decisions
from ops.desk.findings import Finding
from ops.desk.findings import Progress as Findings
from ops.desk.proof import Difference, Progress, Unequal
from ops.desk.reconcile import Reconciliation
from ops.desk.replay import Replay
from ops.desk.unreadable_records import MOST_KEPT, UnreadableRecords
from tests.application import FakeApplication, load_app
from tests.builders import START, Clock, order_text, sqs_message, submission
from tests.desk_fakes import FakeDecisionBucket, FakeOrderBucket, FakeOrderTable, decisions_over
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore

TODAY = START.date()


def record(order_id: str = "order-001", **changes: Any) -> Record:
    return Record.of_first(submission(order_text(order_id, **changes), "s-1"), START)


def by_hand(order_id: str = "order-001", slot: str = FIRST_SLOT, **attributes: Any) -> Item:
    """Make an item with only the keys of a record's, and what is given."""
    made = to_item(record(order_id)._replace(record_id=slot), 4)
    keys = ("orderId", "recordId", "auditPartition", "auditPosition", "historyPosition")
    return {name: made[name] for name in keys if name in made} | attributes


def broken(name: str, attribute: Any) -> Item:
    return to_item(record(amount=0), 4) | {name: attribute}


BROKEN = {
    **{f"no {name}": (name, None) for name in REQUIRED},
    "a status of its own": ("status", {"S": "PENDING"}),
    "a number for a status": ("status", {"N": "1"}),
    "a text for a boolean": ("isDuplicate", {"S": "false"}),
    "a time without a zone": ("processedAt", {"S": "2026-03-01T12:00:00.000"}),
    "a day for a time": ("receivedAt", {"S": "2026-03-01"}),
    "a time that is none": ("receivedAt", {"S": "yesterday"}),
    "half a receive": ("receiveCount", {"N": "1.5"}),
    "a text for the terms": ("terms", {"S": "web"}),
    "a text for an amount": ("terms", {"M": {"amount": {"S": "10"}}}),
    "a number for an account": ("terms", {"M": {"toAccount": {"N": "10"}}}),
    "a boolean among the terms": ("terms", {"M": {"amount": {"BOOL": True}}}),
    "an error of text": ("errors", {"L": [{"S": "bad"}]}),
    "an error without a sentence": ("errors", {"L": [{"M": {"field": {"S": "amount"}}}]}),
    "an error with a number for a code": (
        "errors",
        {
            "L": [
                {"M": {"field": {"S": "x"}, "code": {"N": "1"}, "sentence": {"M": {}}}},
            ]
        },
    ),
    "numbers in differs": ("differs", {"L": [{"N": "1"}]}),
    "a null for differs": ("differs", {"NULL": True}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_item_of_another_form_is_named_and_not_quoted(name: str) -> None:
    attribute, value = BROKEN[name]
    item = broken(attribute, value)
    if value is None:
        del item[attribute]

    unreadable = listed_from_item(item)

    assert isinstance(unreadable, UnreadableRecord)
    if value is None:
        assert unreadable.problem == f"it has no {attribute}"
    if attribute not in {"orderId", "recordId"}:
        assert (unreadable.order_id, unreadable.record_id) == ("order-001", FIRST_SLOT)
    assert not [value for value in ("1111111", "7777777", "2580") if value in str(unreadable)]
    with pytest.raises(UnreadableRecord):
        from_item(item)


def test_an_item_of_a_later_release_is_read_with_the_terms_known_here() -> None:
    item = to_item(record(), 4)
    item["terms"]["M"]["reference"] = {"S": "R-1"}

    assert from_item(item) == record()._replace(terms=from_item(item).terms)
    assert from_item(item).terms["amount"] == record().terms["amount"]


attributes = st.recursive(
    st.one_of(
        st.builds(lambda text: {"S": text}, st.text()),
        st.builds(lambda number: {"N": str(number)}, st.integers() | st.text()),
        st.builds(lambda truth: {"BOOL": truth}, st.booleans()),
        st.just({"NULL": True}),
        st.builds(lambda data: {"B": data}, st.binary()),
        st.just({}),
    ),
    lambda inner: (
        st.builds(lambda values: {"L": values}, st.lists(inner))
        | st.builds(lambda values: {"M": values}, st.dictionaries(st.text(), inner))
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*REQUIRED, "s3Key", "payload", "submittedBy"]), attributes))
def test_any_item_is_read_or_named(changes: Item) -> None:
    listed = listed_from_item(to_item(record(amount=0), 4) | changes)

    if isinstance(listed, Record):
        assert from_item(to_item(listed, 4)) == listed


def store_with(*items: Item) -> FakeRecordStore:
    store = FakeRecordStore()
    for item in items:
        store.put_by_hand(item)
    return store


def queries_over(store: FakeRecordStore) -> Queries:
    return Queries(store, FakeArchive(), Clock())


def keys(unreadable: Any) -> list[tuple[str, str]]:
    return [(each.order_id, each.record_id) for each in unreadable]


def test_the_audit_goes_on_past_an_item_that_cannot_be_read() -> None:
    items = [to_item(record(f"order-{number}"), 4) for number in range(6)]
    store = store_with(*items, by_hand("by-hand"), by_hand("by-hand", CORRECTION_SLOT))

    seen, unreadable, cursor = [], [], None
    while True:
        query = AuditQuery(TODAY, TODAY, AuditFilter(), limit=3)
        page = queries_over(store).list_orders(query, cursor)
        assert len(page.records) + len(page.unreadable) <= 3
        seen += [each.order_id for each in page.records]
        unreadable += keys(page.unreadable)
        cursor = page.cursor
        if cursor is None:
            break

    assert sorted(seen) == [f"order-{number}" for number in range(6)]
    assert sorted(unreadable) == [("by-hand", FIRST_SLOT), ("by-hand", CORRECTION_SLOT)]


def test_an_accepted_order_is_shown_beside_what_cannot_be_read() -> None:
    accepted = record()._replace(record_id=CORRECTION_SLOT, is_duplicate=True)
    store = store_with(by_hand(), to_item(accepted, 4), by_hand(slot="2#x#y"))

    history = queries_over(store).get_order("order-001")

    assert (history.order, history.records) == (accepted, [accepted])
    assert sorted(keys(history.unreadable)) == [("order-001", FIRST_SLOT), ("order-001", "2#x#y")]


@pytest.mark.parametrize(
    "items",
    [[by_hand()], [to_item(record(amount=0), 4), by_hand(slot=CORRECTION_SLOT)]],
    ids=["first", "correction"],
)
def test_an_order_that_may_be_accepted_is_not_shown_as_another(items: list[Item]) -> None:
    with pytest.raises(UnreadableRecord):
        queries_over(store_with(*items)).get_order("order-001")


class Quiet:
    """A reporter that no one reads."""

    def suspects_tried(self, suspects: Sequence[Message]) -> None: ...
    def processed(self, processed: Processed) -> None: ...
    def batch_processed(self, batch: Sequence[Processed]) -> None: ...
    def left_undeleted(self, count: int, error: StoreUnavailable) -> None: ...


def test_an_order_whose_slot_holds_something_else_waits_and_holds_no_other_up() -> None:
    """Its order may be accepted already: nobody knows."""
    store = store_with(by_hand())
    processor = Processor(
        records=store, archive=FakeArchive(), queue=FakeQueue(), reporter=Quiet(), clock=Clock()
    )

    held, free = processor.process_batch(
        [sqs_message(order_text("order-001"), message_id="1"), sqs_message(order_text("order-002"))]
    )

    assert isinstance(held.failure, UnreadableRecord)
    assert free.verdict
    assert [each.order_id for each in (store.of("order-002"))] == ["order-002"]


def no_decisions() -> Decisions:
    return decisions_over(FakeDecisionBucket(), Clock())


def change(item: Item) -> dict[str, Any]:
    return {"eventName": "INSERT", "dynamodb": {"NewImage": item}}


def test_a_stream_goes_on_past_an_item_with_only_a_status() -> None:
    changes = [change({"status": {"S": "ACCEPTED"}}), change(to_item(record(), 4))]

    records, unreadable = written_records(changes, [Status.ACCEPTED])

    assert records == [record()]
    assert keys(unreadable) == [("", "")]


def test_the_stream_function_logs_what_it_passes_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORDERS_EVENTS", "sns")
    monkeypatch.setenv("ORDERS_STREAM_ARN", "arn:aws:dynamodb:x:0:table/orders/stream/1")
    published: list[Record] = []
    # Powertools keeps a logger of each service, with the stream that it had at first.
    application = FakeApplication(Clock(), ORDERS_SERVICE="orders-unreadable")
    vars(application)["events"] = SimpleNamespace(publish=published.extend, told=[Status.ACCEPTED])

    handler = load_app(application).app.handler_map["publish_events"]
    item = {"orderId": {"S": "by-hand"}, "status": {"S": "ACCEPTED"}}
    handler({"Records": [change(item), change(to_item(record(), 4))]}, None)

    assert published == [record()]
    (line,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (line["level"], line["message"]) == ("ERROR", "unreadable record")
    assert line["orderId"] == "by-hand"


def test_a_command_names_what_it_passed_over_and_fails() -> None:
    found = UnreadableRecords()

    def newest_first(_: AuditQuery) -> Iterator[Record]:
        yield record()
        found.add(UnreadableRecord("by-hand", FIRST_SLOT, "", "it has no terms"))

    desk = SimpleNamespace(
        orders=SimpleNamespace(newest_first=newest_first),
        accepted=lambda _: {},
        unreadable=found,
    )

    done = CliRunner().invoke(main, ["orders", "list"], obj=lambda *_: desk)

    assert done.exit_code == 1
    assert "order-001" in done.stdout
    assert "order by-hand, 0#FIRST: it has no terms" in done.stderr


def test_a_command_says_which_order_it_cannot_show() -> None:
    found = UnreadableRecords()

    def show(order_id: str, *_: Any) -> None:
        raise UnreadableRecord(order_id, FIRST_SLOT, "", "it has no terms")

    desk = SimpleNamespace(orders=SimpleNamespace(show=show), unreadable=found)

    done = CliRunner().invoke(main, ["orders", "show", "by-hand"], obj=lambda *_: desk)

    assert (done.exit_code, done.exception and type(done.exception)) == (1, SystemExit)
    assert "order by-hand, 0#FIRST: it has no terms" in done.stderr


def test_the_archive_and_the_table_do_not_agree_over_what_cannot_be_read() -> None:
    found = UnreadableRecords()

    def findings(*_: Any, **__: Any) -> Iterator[Finding]:
        found.add(UnreadableRecord("by-hand", FIRST_SLOT, "", "it has no terms"))
        yield from ()

    desk = SimpleNamespace(reconciliation=SimpleNamespace(findings=findings), unreadable=found)

    done = CliRunner().invoke(main, ["reconcile"], obj=lambda *_: desk)

    assert done.exit_code == 1
    assert "agree" not in done.output


def test_a_replay_goes_on_past_a_slot_that_holds_something_else() -> None:
    bucket, store = FakeOrderBucket(), store_with(by_hand("order-001"))
    sent = [submission(order_text(f"order-00{number}"), "s-1") for number in (1, 2)]
    for each in sent:
        bucket.put(each.archive_key, each.order.payload.encode())
    table = FakeOrderTable()
    trail = AuditTrail(table, stage="dev", who=lambda: "arn:ana", clock=Clock())
    progress = Progress()

    unequal = list(Replay(bucket, trail, no_decisions()).rebuild(progress, table, store.take))

    assert unequal == [Unequal(Difference.UNREADABLE, sent[0].archive_key)]
    assert (progress.rebuilt, progress.is_equal) == (1, False)
    assert [each.submission_id for each in store.of("order-002")] == ["s-1"]


@pytest.mark.parametrize("content", [b"not JSON", b"\xff"])
def test_an_object_that_is_no_order_ends_neither_a_replay_nor_a_repair(content: bytes) -> None:
    """Its key has its own SHA-256, so only its content tells."""
    bucket, store, table = FakeOrderBucket(), FakeRecordStore(), FakeOrderTable()
    for order_id, body in (("order-001", content), ("order-002", order_text("order-002").encode())):
        bucket.put(f"orders/{order_id}/s-1-{sha256(body).hexdigest()}.json", body)
    trail = AuditTrail(table, stage="dev", who=lambda: "arn:ana", clock=Clock())
    queue, progress = FakeQueue(), Progress()
    later = Clock(START + timedelta(days=1))
    reconciliation = Reconciliation(table, bucket, queue, trail, no_decisions(), clock=later)

    unequal = list(Replay(bucket, trail, no_decisions()).rebuild(progress, table, store.take))
    outcomes = [reconciliation.repair(each) for each in reconciliation.findings(Findings())]

    assert [(each.kind, "order-001" in each.key) for each in unequal] == [
        (Difference.UNREADABLE, True)
    ]
    assert [each.order_id for each in store.all()] == ["order-002"]
    assert outcomes[-1].mended


def test_what_a_desk_meets_is_kept_once_and_bounded() -> None:
    found = UnreadableRecords()
    for number in range(2 * MOST_KEPT):
        for _ in range(2):
            found.add(UnreadableRecord(f"order-{number}", FIRST_SLOT, "", "it has no status"))

    assert len(found) == MOST_KEPT
    assert keys(found)[0] == ("order-0", FIRST_SLOT)


def test_the_consoles_lists_name_what_cannot_be_read_as_text() -> None:
    found = UnreadableRecords()
    found.add(UnreadableRecord("<b>by-hand</b>", FIRST_SLOT, "", "it has no status"))
    console = SimpleNamespace(desk=SimpleNamespace(unreadable=found))
    view: Any = SimpleNamespace(console=console, t=texts_in("en"))

    (notice,) = unreadable_notices(view)

    assert "&lt;b&gt;by-hand&lt;/b&gt;, 0#FIRST" in str(notice)
