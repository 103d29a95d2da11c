"""The AsyncAPI document says what the code does, and real messages and events are as it says."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from jsonschema_rs import Draft7Validator, meta

from chalicelib.aws.items import to_item
from chalicelib.orders.order import MAX_DEPTH, MAX_PAYLOAD_BYTES
from chalicelib.orders.record import Record, Status
from chalicelib.orders.terms import CHANNELS, TERMS
from chalicelib.services.claims import MAX_CALLER_CHARACTERS
from chalicelib.services.events import Events, cloud_event, event_type
from chalicelib.services.message_attributes import MOST_ATTRIBUTES, SUBMISSION_ATTRIBUTES
from chalicelib.settings import EVENTS_OF
from ops.project import PROJECT_ROOT, RESOURCES_TEMPLATE
from ops.templates import load_template
from tests.application import FakeApplication, load_app
from tests.asyncapi import DOCUMENT, MESSAGES, SCHEMAS, event_problems, problems
from tests.aws_parts import ASYNCAPI_SCHEMA, ASYNCAPI_SCHEMA_FILE
from tests.builders import Clock, order_text, sqs_event, sqs_record
from tests.http.conftest import Api

OPENAPI = json.loads((PROJECT_ROOT / "chalicelib/http/openapi.json").read_text(encoding="utf-8"))
# A term of an order is of both documents, and so is what it is made of.
SHARED = ("OrderId", "SubmissionId", "Sha256", "Channel", "Account", "Order", "OrderErrorCode")
STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/orders-dev/stream/2026-03-01T12:00:00.000"
CORRECTED = "order-002"


def test_the_api_serves_the_document_unchanged(api: Api) -> None:
    answer = api.get("/asyncapi.json")

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == DOCUMENT


def test_head_of_the_document_has_no_body(api: Api) -> None:
    answer = api.client.http.request("HEAD", "/asyncapi.json")

    assert (answer.status_code, answer.body) == (200, b"")


@pytest.mark.aws_part(ASYNCAPI_SCHEMA.name)
def test_the_document_is_valid_by_asyncapis_own_schema() -> None:
    schema = json.loads(ASYNCAPI_SCHEMA_FILE.read_text(encoding="utf-8"))

    assert [each.message for each in Draft7Validator(schema).iter_errors(DOCUMENT)] == []


@pytest.mark.aws_part(ASYNCAPI_SCHEMA.name)
@pytest.mark.parametrize("place", ["channels", "operations"])
def test_asyncapis_own_schema_finds_a_member_that_there_is_not(place: str) -> None:
    schema = json.loads(ASYNCAPI_SCHEMA_FILE.read_text(encoding="utf-8"))
    named = {name: {**each, "unknown": 1} for name, each in DOCUMENT[place].items()}

    assert not Draft7Validator(schema).is_valid({**DOCUMENT, place: named})


def references(node: Any) -> list[str]:
    """List the references in a part of the document."""
    if isinstance(node, list):
        return [found for each in node for found in references(each)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [found for each in node.values() for found in references(each)]


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    found = set(references(DOCUMENT))

    for reference in found:
        node = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            node = node[name]
    components = {f"#/components/messages/{name}" for name in MESSAGES}
    components |= {f"#/components/schemas/{name}" for name in SCHEMAS}
    assert components <= found


def test_every_schema_is_one_of_the_draft_that_asyncapi_takes() -> None:
    draft = {"$schema": "http://json-schema.org/draft-07/schema#"}

    assert [name for name, each in SCHEMAS.items() if not meta.is_valid({**draft, **each})] == []


def test_every_example_is_valid_under_its_own_schema() -> None:
    for message in MESSAGES.values():
        assert message["examples"]
        for example in message["examples"]:
            assert problems(example["payload"], message["payload"]) == []
            assert problems(example.get("headers", {}), message.get("headers", {})) == []


def test_both_documents_describe_the_same_order_and_are_of_one_version() -> None:
    of_openapi = OPENAPI["components"]["schemas"]

    assert {name: SCHEMAS[name] for name in SHARED} == {name: of_openapi[name] for name in SHARED}
    assert DOCUMENT["info"]["version"] == OPENAPI["info"]["version"]


def test_the_document_has_the_names_and_the_limits_of_the_code() -> None:
    resources = load_template((PROJECT_ROOT / RESOURCES_TEMPLATE).read_text(encoding="utf-8"))
    queue = resources["Resources"]["OrdersQueue"]["Properties"]
    order, attributes = MESSAGES["order"], SCHEMAS["Attributes"]["properties"]

    assert SCHEMAS["TermName"]["enum"] == list(TERMS)
    assert SCHEMAS["Channel"]["enum"] == list(CHANNELS)
    assert list(attributes) == [*SUBMISSION_ATTRIBUTES, "traceparent"]
    assert attributes["submittedBy"]["maxLength"] == MAX_CALLER_CHARACTERS
    assert order["x-maximum-body-bytes"] == MAX_PAYLOAD_BYTES
    assert order["x-maximum-depth"] == MAX_DEPTH
    assert order["x-maximum-attributes"] == MOST_ATTRIBUTES
    assert order["x-maximum-message-bytes"] == queue["MaximumMessageSize"]
    said = order["description"]
    for limit in (MAX_PAYLOAD_BYTES, queue["MaximumMessageSize"], MAX_DEPTH):
        assert f"{limit:,}" in said
    assert f"(EventsOf: {EVENTS_OF[-1]})" in MESSAGES["orderRejected"]["summary"]


def test_the_document_has_an_event_for_every_verdict_and_no_other() -> None:
    events = DOCUMENT["channels"]["events"]["messages"]

    types = [MESSAGES[name]["name"] for name in events]
    assert types == SCHEMAS["CloudEvent"]["properties"]["type"]["enum"]
    assert types == [event_type(status) for status in Status]
    assert set(MESSAGES) == {"order", *events}


def told_by(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any]]:
    """Give what is recorded to the function of the stream. Return what it publishes."""
    published: list[Mapping[str, Any]] = []

    class Listener:
        def publish(self, events: Sequence[Mapping[str, Any]]) -> None:
            published.extend(json.loads(json.dumps(events)))

    monkeypatch.setenv("ORDERS_EVENTS", "eventbridge")
    monkeypatch.setenv("ORDERS_STREAM_ARN", STREAM)
    application = FakeApplication(Clock())
    vars(application)["events"] = Events(Listener(), "urn:orders:orders-dev", list(Status))
    handler = load_app(application).app.handler_map["publish_events"]
    images = [to_item(record, audit_shards=4) for record in api.records.all()]
    changes = [{"eventName": "INSERT", "dynamodb": {"NewImage": image}} for image in images]
    handler({"Records": changes}, None)
    return published


def hand_in_one_of_each(api: Api) -> None:
    """Hand in accepted, duplicate, rejected and corrected orders, over HTTP and by the queue."""
    for text in (
        order_text(channel="web"),
        order_text(amount="7.00"),
        order_text(),
        order_text(CORRECTED, amount=-1, fromAccount="DE 1", toAccount=None, channel="branch"),
        order_text(CORRECTED),
        order_text("order-003", amount=[1], toAccount="1111111"),
    ):
        assert api.post(text).status == 202
        api.process_queue()
    api.process(sqs_event(sqs_record(order_text("order-004"), submissionId="12345678")))


def test_each_real_event_is_as_the_document_says(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_in_one_of_each(api)

    events = told_by(api, monkeypatch)

    assert len(events) == 7
    assert {event["type"] for event in events} == {event_type(status) for status in Status}
    assert [event_problems(event) for event in events] == [[]] * len(events)


def test_the_document_has_every_member_of_a_real_event_and_no_other(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its schemas let consumers pass over more; so only names tell that something is missing."""
    hand_in_one_of_each(api)
    envelope = set(SCHEMAS["CloudEvent"]["properties"]) - {"traceparent"}

    for event in told_by(api, monkeypatch):
        (name,) = [key for key, each in MESSAGES.items() if each["name"] == event["type"]]
        data = SCHEMAS[f"{name.removeprefix('order')}Data"]
        assert set(event) == envelope
        assert set(event["data"]) == set(data["properties"])
        assert set(data["required"]) <= set(event["data"])


def test_a_consumer_hears_of_the_correction_under_an_id_of_its_own(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in_one_of_each(api)

    told = [each for each in told_by(api, monkeypatch) if each["subject"] == CORRECTED]

    assert sorted(event["type"] for event in told) == [
        "orders.order.accepted",
        "orders.order.rejected",
    ]
    assert len({event["id"] for event in told}) == 2
    assert len({event["source"] for event in told}) == 1


def rejected(api: Api) -> dict[str, Any]:
    api.post(order_text(amount=0))
    api.process_queue()
    (record,) = api.records.all()
    event = cloud_event(record, "urn:orders:orders-dev")
    found: dict[str, Any] = json.loads(json.dumps(event))
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "s-1"},
        {"time": "2026-03-01 12:00"},
        {"traceparent": "00-1-2-01"},
        {"data": {}},
        {"specversion": "0.3"},
    ],
)
def test_an_event_that_is_otherwise_is_found(api: Api, changes: dict[str, Any]) -> None:
    assert event_problems({**rejected(api), **changes}) != []


@pytest.mark.parametrize(
    "error",
    [{"field": "amount"}, {"field": "iban", "code": "missing"}, {"field": "amount", "code": "x"}],
)
def test_an_error_that_is_none_of_the_codes_is_found(api: Api, error: dict[str, str]) -> None:
    event = rejected(api)

    assert event_problems({**event, "data": {**event["data"], "errors": [error]}}) != []


def test_a_message_as_the_document_says_is_recorded_and_nothing_of_it_is_left_out(api: Api) -> None:
    for example in MESSAGES["order"]["examples"]:
        attributes = example.get("headers", {})
        api.process(sqs_event(sqs_record(json.dumps(example["payload"]), **attributes)))

    records: list[Record] = api.records.all()
    assert [record.status for record in records] == [Status.ACCEPTED, Status.ACCEPTED]
    assert [record.ignored_attributes for record in records] == [(), ()]
    assert records[0].submission_id == "web-000123"


def test_what_the_api_sends_is_a_message_as_the_document_says(api: Api) -> None:
    api.post(order_text(channel="web"), X_Request_Id="r-1")

    (sent,) = api.queue.sent
    order = MESSAGES["order"]
    assert problems(json.loads(sent.body), order["payload"]) == []
    assert problems(dict(sent.attributes), order["headers"]) == []
    assert set(sent.attributes) <= set(SCHEMAS["Attributes"]["properties"])
