"""Events out: one CloudEvent for each record whose verdict is told, and none for anything else."""

import json
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.application import Application
from chalicelib.aws.event_publishers import EventBus, Topic
from chalicelib.aws.items import to_item, written_records
from chalicelib.aws.key_store import key_item
from chalicelib.orders.record import Record, Status, own_slot
from chalicelib.orders.settle import settle
from chalicelib.services.events import Events, cloud_event
from chalicelib.services.keys import UsedKey
from chalicelib.services.unavailable import StoreUnavailable
from chalicelib.settings import AppSettings, EventSettings, SettingsError
from tests.application import FakeApplication, load_app
from tests.builders import START, Clock, order_text, submission
from tests.fakes import FakeRecordStore
from tests.properties.traceparents import TRACEPARENT

STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/orders-dev/stream/2026-03-01T12:00:00.000"


class FakePublisher:
    """Takes events, at most so many in a call, until it is told not to."""

    def __init__(self) -> None:
        self.calls: list[Sequence[Mapping[str, Any]]] = []
        self.fails_from = 1000

    def publish(self, events: Sequence[Mapping[str, Any]]) -> None:
        if len(self.calls) >= self.fails_from:
            raise StoreUnavailable("refused")
        self.calls.append(events)

    @property
    def subjects(self) -> list[str]:
        return [event["subject"] for events in self.calls for event in events]


def accepted(order_id: str = "order-001") -> Record:
    return Record.of_first(submission(order_text(order_id), submission_id="s-1"), START)


def change(record: Record, name: str = "INSERT") -> dict[str, Any]:
    """Make the change of a record, as the table's stream has it."""
    return {"eventName": name, "dynamodb": {"NewImage": to_item(record, audit_shards=4)}}


@pytest.fixture
def publisher() -> FakePublisher:
    return FakePublisher()


@pytest.fixture
def events(publisher: FakePublisher) -> Events:
    return Events(publisher, "urn:orders:orders-dev", [Status.ACCEPTED])


def test_an_accepted_order_becomes_a_cloudevent(events: Events, publisher: FakePublisher) -> None:
    record = accepted()

    assert events.publish([record]) == 1

    ((event,),) = publisher.calls
    assert event == {
        "specversion": "1.0",
        "id": f"s-1.{record.payload_sha256}",
        "source": "urn:orders:orders-dev",
        "type": "orders.order.accepted",
        "time": "2026-03-01T12:00:00.000Z",
        "subject": "order-001",
        "datacontenttype": "application/json",
        "data": {
            "orderId": "order-001",
            "recordId": "0#FIRST",
            "submissionId": "s-1",
            "payloadSha256": record.payload_sha256,
            "s3Key": record.s3_key,
            "channel": None,
        },
    }


def test_an_event_goes_on_with_the_callers_trace(events: Events, publisher: FakePublisher) -> None:
    """As CloudEvents' extension for distributed tracing has it: beside the data."""
    traced = accepted()._replace(traceparent=TRACEPARENT)

    (read,), _ = written_records([change(traced)], events.told)
    events.publish([read])

    ((event,),) = publisher.calls
    assert event == {**cloud_event(accepted(), event["source"]), "traceparent": TRACEPARENT}


@pytest.mark.parametrize("attribute", [{"S": "none"}, {"N": "1"}, {"S": ""}])
def test_a_traceparent_that_someone_changed_gets_into_no_event(attribute: Any) -> None:
    changed = change(accepted())
    changed["dynamodb"]["NewImage"]["traceparent"] = attribute

    assert written_records([changed], [Status.ACCEPTED]) == ([accepted()], [])


REFERENCE = ["orderId", "recordId", "submissionId", "payloadSha256"]


def test_a_rejected_order_becomes_an_event_with_codes_and_without_sentences() -> None:
    sent = submission(order_text(amount=-2580, toAccount="DE-1"), submission_id="s-1")

    event = cloud_event(Record.of_first(sent, START), "urn:orders:orders-dev")

    assert event["type"] == "orders.order.rejected"
    assert list(event["data"]) == [*REFERENCE, "channel", "errors"]
    assert event["data"]["errors"] == [
        {"field": "amount", "code": "not_positive"},
        {"field": "toAccount", "code": "not_digits"},
    ]


def test_a_duplicate_becomes_an_event_with_the_names_of_the_terms_that_differ() -> None:
    store = FakeRecordStore()
    settle(submission(order_text(), submission_id="s-1"), store.take, START)
    settle(submission(order_text(amount=7), submission_id="s-2"), store.take, START)

    (event,) = (cloud_event(each, "x") for each in store.all() if each.submission_id == "s-2")

    assert event["type"] == "orders.order.duplicate"
    assert list(event["data"]) == [*REFERENCE, "s3Key", "channel", "differs"]
    assert event["data"]["differs"] == ["amount"]


def test_an_order_and_its_correction_are_two_events_with_ids_of_their_own() -> None:
    """A consumer that has heard of the rejected one must not take the accepted one for it."""
    store = FakeRecordStore()
    settle(submission(order_text(amount=0), submission_id="s-1"), store.take, START)
    settle(submission(order_text(), submission_id="s-1"), store.take, START)

    told = [cloud_event(each, "x") for each in store.all()]

    assert {event["type"] for event in told} == {"orders.order.rejected", "orders.order.accepted"}
    assert {event["subject"] for event in told} == {"order-001"}
    assert len({event["id"] for event in told}) == 2


@pytest.mark.parametrize(
    ("told", "subjects"),
    [(None, ["good"]), ("", ["good"]), ("accepted", ["good"]), ("all", ["bad", "good"])],
)
def test_the_handler_tells_the_verdicts_of_the_setting_whatever_the_stream_brings(
    monkeypatch: pytest.MonkeyPatch, told: str | None, subjects: list[str]
) -> None:
    """After a plain `chalice deploy` the stream has no filter."""
    monkeypatch.setenv("ORDERS_EVENTS", "eventbridge")
    monkeypatch.setenv("ORDERS_STREAM_ARN", STREAM)
    target = {"ORDERS_EVENTS": "eventbridge", "ORDERS_EVENTS_TARGET": "orders-dev"}
    of = {} if told is None else {"ORDERS_EVENTS_OF": told}
    client = FakeClient({"Entries": [{"EventId": "1"}] * len(subjects)})
    bad = Record.of_first(submission(order_text("bad", amount=0)), START)
    entry = {"orderId": {"S": "#audit"}, "recordId": {"S": "1"}, "why": {"S": "told"}}
    key = key_item(UsedKey("s-1", "0" * 64, "order-001", START))
    others = [{"eventName": "INSERT", "dynamodb": {"NewImage": item}} for item in (entry, key)]

    clients: Any = SimpleNamespace(events=client)
    handler = load_app(Application({**target, **of}, clients)).app.handler_map["publish_events"]
    handler({"Records": [change(bad), *others, change(accepted("good"))]}, None)

    assert [json.loads(each["Detail"])["subject"] for each in client.asked["Entries"]] == subjects


def test_a_setting_that_is_no_choice_is_refused() -> None:
    settings = {"ORDERS_EVENTS": "sns", "ORDERS_EVENTS_TARGET": "x", "ORDERS_EVENTS_OF": "every"}

    with pytest.raises(SettingsError, match="ORDERS_EVENTS_OF must be one of accepted, all"):
        EventSettings.from_env(settings)


def test_an_event_names_only_the_orders_own_channel() -> None:
    """It must be the same after a replay, which does not know what stood beside the order."""
    record = accepted()._replace(message_channel="atm")

    assert cloud_event(record, "urn:orders:orders-dev")["data"]["channel"] is None


def test_an_event_holds_no_account_and_no_amount() -> None:
    text = json.dumps(cloud_event(accepted(), "urn:orders:orders-dev"))

    assert not [value for value in ("1111111", "7777777", "2580") if value in text]


def test_two_orders_under_one_submission_id_are_two_events() -> None:
    """A sender on the queue may do it, or a key after its day: none is taken for the other."""
    ids = {cloud_event(accepted(order_id), "x")["id"] for order_id in ("a", "b")}

    assert len(ids) == 2


def test_written_records_returns_only_records_written_with_a_told_verdict() -> None:
    rejected = Record.of_first(submission(order_text(amount=0)), START)
    audit_entry = {"orderId": {"S": "#audit"}, "recordId": {"S": "1"}}

    changes = [
        change(rejected),
        change(accepted("changed"), "MODIFY"),
        {"eventName": "INSERT", "dynamodb": {"NewImage": audit_entry}},
        {"eventName": "REMOVE", "dynamodb": {}},
        change(accepted("written")),
    ]

    assert written_records(changes, [Status.ACCEPTED]) == ([accepted("written")], [])
    assert written_records(changes, list(Status)) == ([rejected, accepted("written")], [])


@pytest.mark.parametrize("event_name", ["INSERT", "MODIFY", "REMOVE"])
def test_a_used_key_is_no_event_when_it_is_taken_taken_anew_or_has_expired(
    event_name: str,
) -> None:
    """TTL's own removal is a REMOVE, with the service as its identity."""
    key = key_item(UsedKey("s-1", "0" * 64, "order-001", START))
    image = {} if event_name == "REMOVE" else {"NewImage": key}
    by_ttl = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}

    removal = {"eventName": event_name, "dynamodb": image, "userIdentity": by_ttl}
    found = written_records([removal], list(Status))

    assert found == ([], [])


def test_publish_makes_no_call_without_a_record(events: Events, publisher: FakePublisher) -> None:
    assert (events.publish([]), publisher.calls) == (0, [])


def test_a_correction_becomes_an_event_too(events: Events, publisher: FakePublisher) -> None:
    sent = submission(order_text())
    slot = own_slot(sent.submission_id, sent.order.payload_sha256)
    correction = Record.of_first(sent, START)._replace(record_id=slot, is_duplicate=True)

    events.publish(written_records([change(correction)], [Status.ACCEPTED])[0])

    assert publisher.subjects == ["order-001"]


def test_publish_sends_events_in_order_ten_in_a_call(
    events: Events, publisher: FakePublisher
) -> None:
    names = [f"order-{number:02d}" for number in range(23)]

    events.publish([accepted(name) for name in names])

    assert [len(call) for call in publisher.calls] == [10, 10, 3]
    assert publisher.subjects == names


def test_publish_raises_a_failure_so_that_the_stream_repeats_the_batch(
    events: Events, publisher: FakePublisher
) -> None:
    publisher.fails_from = 1

    with pytest.raises(StoreUnavailable):
        events.publish([accepted(f"order-{number}") for number in range(11)])


class FakeClient:
    """Answers with what it is given, and keeps what it was asked."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self._answer = answer
        self.asked: dict[str, Any] = {}

    def put_events(self, **asked: Any) -> Mapping[str, Any]:
        self.asked = asked
        return self._answer

    publish_batch = put_events


def test_a_bus_gets_the_cloudevent_as_the_detail() -> None:
    client = FakeClient({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]})
    event = cloud_event(accepted(), "urn:orders:orders-dev")

    EventBus(client, "orders-dev").publish([event])

    (entry,) = client.asked["Entries"]
    assert json.loads(entry.pop("Detail")) == event
    assert entry == {
        "EventBusName": "orders-dev",
        "Source": "urn:orders:orders-dev",
        "DetailType": "orders.order.accepted",
        "Time": "2026-03-01T12:00:00.000Z",
    }


def test_the_failure_of_a_bus_does_not_quote_it() -> None:
    refused = {"ErrorCode": "ThrottlingException", "ErrorMessage": "with its words"}
    client = FakeClient({"FailedEntryCount": 1, "Entries": [{"EventId": "1"}, refused]})

    with pytest.raises(StoreUnavailable, match=r"^EventBridge PutEvents: ThrottlingException$"):
        EventBus(client, "orders-dev").publish([cloud_event(accepted(), "x")])


TAKEN = [{"Id": "0", "MessageId": "m-1"}]


@pytest.mark.parametrize("answer", [{"Successful": TAKEN, "Failed": []}, {"Successful": TAKEN}])
def test_a_topic_gets_the_cloudevent_as_the_message(answer: Mapping[str, Any]) -> None:
    """A topic may leave an empty list out of its answer."""
    client = FakeClient(answer)
    event = cloud_event(accepted(), "urn:orders:orders-dev")

    Topic(client, "arn:topic").publish([event])

    (entry,) = client.asked["PublishBatchRequestEntries"]
    assert client.asked["TopicArn"] == "arn:topic"
    assert json.loads(entry["Message"]) == event
    assert entry["MessageAttributes"]["type"]["StringValue"] == "orders.order.accepted"


def test_a_topic_that_refuses_an_event_fails() -> None:
    client = FakeClient({"Successful": [], "Failed": [{"Id": "0", "Code": "InternalError"}]})

    with pytest.raises(StoreUnavailable, match=r"^SNS PublishBatch: InternalError$"):
        Topic(client, "arn:topic").publish([cloud_event(accepted(), "x")])


@pytest.mark.parametrize("answer", [{}, {"Successful": [], "Failed": []}])
def test_a_topic_that_says_nothing_of_an_event_has_not_taken_it(answer: Mapping[str, Any]) -> None:
    with pytest.raises(StoreUnavailable, match=r"^SNS PublishBatch: 0 of 1 entries were answered$"):
        Topic(FakeClient(answer), "arn:topic").publish([cloud_event(accepted(), "x")])


@pytest.mark.parametrize("entries", [[], [{}]])
def test_a_bus_that_says_nothing_of_an_event_has_not_taken_it(entries: list[Any]) -> None:
    bus = EventBus(FakeClient({"FailedEntryCount": 0, "Entries": entries}), "orders-dev")

    with pytest.raises(StoreUnavailable, match=r"PutEvents: 0 of 1 entries were answered$"):
        bus.publish([cloud_event(accepted(), "x")])


def test_events_are_off_unless_a_setting_turns_them_on() -> None:
    assert AppSettings.from_env({}).stream_arn is None
    assert AppSettings.from_env({"ORDERS_STREAM_ARN": STREAM}).stream_arn is None
    assert AppSettings.from_env({"ORDERS_EVENTS": "", "ORDERS_STREAM_ARN": ""}).stream_arn is None


def test_events_need_a_stream_and_a_target() -> None:
    with pytest.raises(SettingsError, match="ORDERS_STREAM_ARN is not set"):
        AppSettings.from_env({"ORDERS_EVENTS": "sns"})
    with pytest.raises(SettingsError, match="ORDERS_EVENTS_TARGET is not set"):
        EventSettings.from_env({"ORDERS_EVENTS": "sns"})


def test_the_app_subscribes_to_nothing_unless_events_are_on() -> None:
    assert "publish_events" not in load_app().app.handler_map


def test_the_handler_publishes_what_the_stream_gives_it(
    monkeypatch: pytest.MonkeyPatch, events: Events, publisher: FakePublisher
) -> None:
    monkeypatch.setenv("ORDERS_EVENTS", "eventbridge")
    monkeypatch.setenv("ORDERS_STREAM_ARN", STREAM)
    application = FakeApplication(Clock())
    vars(application)["events"] = events
    rejected = Record.of_first(submission(order_text("bad", amount=0)), START)

    handler = load_app(application).app.handler_map["publish_events"]
    handler({"Records": [change(rejected), change(accepted())]}, None)

    assert publisher.subjects == ["order-001"]


@pytest.mark.parametrize(("kind", "publisher_class"), [("eventbridge", EventBus), ("sns", Topic)])
def test_the_application_publishes_to_the_bus_or_the_topic(
    kind: str, publisher_class: type
) -> None:
    """It makes the client of the one that it needs, and no other."""
    environment = {"ORDERS_EVENTS": kind, "ORDERS_EVENTS_TARGET": "orders-dev"}
    client = FakeClient({"Entries": [{"EventId": "1"}], "Successful": TAKEN})
    clients: Any = SimpleNamespace(**{{"eventbridge": "events", "sns": "sns"}[kind]: client})
    application = Application(environment, clients)

    application.prepare("publish_events")

    assert "events" in vars(application)
    assert isinstance(application.events._publisher, publisher_class)
    application.events.publish([accepted()])
    assert "orders-dev" in json.dumps(client.asked)
