"""The first invocation of each function: its event, and what shows that it did its work."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.events import record
from chalicelib.aws.items import to_item
from chalicelib.orders.record import Record
from tests.builders import START, gateway_event, order_text, submission

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Invocation(NamedTuple):
    """The first invocation of a function with one order."""

    handler: str
    # Makes the event of an order by its id.
    event_of: Callable[[str], dict[str, Any]]
    # Tells whether an answer is the right one.
    is_done: Callable[[Any], bool]
    variables: Mapping[str, str] = {}


def from_queue(handler: str) -> Invocation:
    """Process one order from the queue, by any function that does."""

    def event_of(order_id: str) -> dict[str, Any]:
        return {"Records": [record(order_id, order_id)]}

    return Invocation(handler, event_of, lambda answer: bool(answer == {"batchItemFailures": []}))


def _post(order_id: str) -> dict[str, Any]:
    return gateway_event("POST", "/orders", body=order_text(order_id))


def _change(order_id: str) -> dict[str, Any]:
    """Make the change of an accepted record, as the table's stream has it."""
    item = to_item(Record.of_first(submission(order_text(order_id)), START), audit_shards=4)
    return {"Records": [{"eventName": "INSERT", "dynamodb": {"NewImage": item}}]}


API = Invocation("app.app", _post, lambda answer: bool(answer["statusCode"] == HTTPStatus.ACCEPTED))
PROCESSOR = from_queue("app.process_orders")
PUBLISHER = Invocation(
    "app.publish_events",
    _change,
    lambda answer: answer is None,
    {
        "ORDERS_EVENTS": "eventbridge",
        "ORDERS_EVENTS_TARGET": "orders",
        "ORDERS_STREAM_ARN": "arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/one",
    },
)
