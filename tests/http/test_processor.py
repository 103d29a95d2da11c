"""The processor as Lambda invokes it, under Chalice's test client."""

from typing import Any

import pytest

import app as orders_app
from chalicelib import wiring
from chalicelib.processing import BatchFailed, report_failures
from tests.builders import order_text, sqs_event, sqs_record
from tests.http.conftest import Api


def test_a_batch_is_processed(api: Api) -> None:
    answer = api.process(sqs_event(sqs_record(), sqs_record(order_text("order-002"))))

    assert answer is None
    assert [record.order_id for record in api.records.all()] == ["order-001", "order-002"]


def test_a_failed_message_fails_the_batch_after_the_good_ones_are_deleted(api: Api) -> None:
    event = sqs_event(sqs_record("[]", message_id="unreadable"), sqs_record(message_id="failed"))

    with api.archive.outage(), pytest.raises(BatchFailed):
        api.process(event)

    assert api.queue.deleted == ["unreadable"]


def test_with_partial_batches_the_failed_message_is_named(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "acknowledge", lambda: report_failures)

    with api.archive.outage():
        answer = api.process(sqs_event(sqs_record(message_id="failed")))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "failed"}]}


def test_near_the_end_of_its_time_nothing_is_begun(api: Api) -> None:
    left = iter([60_000, 1_000])

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return next(left)

    handler: Any = orders_app.app.handler_map["process_orders"]
    with pytest.raises(BatchFailed):
        handler(sqs_event(sqs_record()), Context())

    assert api.records.all() == []


def test_chalices_own_event_generator_works(api: Api) -> None:
    event = api.client.events.generate_sqs_event([order_text()], queue_name="orders")

    api.process(event)

    assert len(api.records.all()) == 1


def test_it_listens_to_the_queue_of_the_stage() -> None:
    source: Any = orders_app.app.event_sources[0]

    assert source.queue == "orders-dev"
    assert source.batch_size == 10
