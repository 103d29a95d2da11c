"""Events hold codes and names, never what an order says; and they are the same when sent again."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.items import from_item, to_item, written_records
from chalicelib.orders.record import Record, Status
from chalicelib.orders.settle import settle
from chalicelib.orders.terms import CHANNELS, TERMS
from chalicelib.services.events import cloud_event
from tests.asyncapi import SCHEMAS
from tests.builders import START, submission
from tests.fakes import FakeRecordStore
from tests.properties.orders import OrderText, near_valid_orders, valid_orders

SOURCE = "urn:orders:orders-dev"
# As the document lists them: a code that is not here may be a sender's own text.
CODES = set(SCHEMAS["OrderErrorCode"]["enum"])


def leaves(value: Any) -> Iterator[Any]:
    """Yield each value within a JSON value, and each name."""
    match value:
        case dict():
            yield from value
            for inner in value.values():
                yield from leaves(inner)
        case list():
            for inner in value:
                yield from leaves(inner)
        case _:
            yield value


def records_of(orders: list[OrderText]) -> list[Record]:
    """Record orders, all of one id: the first valid one is accepted, the later ones duplicates."""
    store = FakeRecordStore()
    for number, order in enumerate(orders):
        text = replace(order, id="order-001").text
        sent = submission(text, submission_id=f"submission-{number}")
        settle(sent, store.take, START + timedelta(seconds=number))
    return store.all()


@given(st.lists(near_valid_orders | valid_orders, min_size=1, max_size=5))
def test_an_event_holds_no_value_of_its_order_but_id_and_channel(orders: list[OrderText]) -> None:
    for record in records_of(orders):
        event = cloud_event(record, SOURCE)

        identity = {record.order_id, record.record_id, record.submission_id, record.payload_sha256}
        ours = {
            *("specversion", "id", "source", "type", "time", "subject", "datacontenttype", "data"),
            *("orderId", "recordId", "submissionId", "payloadSha256", "s3Key", "channel"),
            *("errors", "field", "code", "differs"),
            *("1.0", "application/json", SOURCE, event["time"]),
            *(f"orders.order.{name}" for name in ("accepted", "rejected", "duplicate")),
            *(f"{record.submission_id}.{record.payload_sha256}", record.s3_key),
        }
        assert set(leaves(event)) <= identity | ours | CODES | {*TERMS, *CHANNELS, None}


@given(st.lists(near_valid_orders | valid_orders, min_size=1, max_size=5))
def test_a_consumer_gets_the_same_bytes_from_the_item_as_from_its_stream(
    orders: list[OrderText],
) -> None:
    """Whoever sends events again reads the items: each event must be the one that was sent."""
    items = [to_item(record, audit_shards=4) for record in records_of(orders)]
    changes = [{"eventName": "INSERT", "dynamodb": {"NewImage": item}} for item in items]

    written, unreadable = written_records(changes, list(Status))

    assert unreadable == []
    sent = [json.dumps(cloud_event(record, SOURCE)) for record in written]
    again = [json.dumps(cloud_event(from_item(item), SOURCE)) for item in items]
    assert sent == again
