"""The processor as Lambda invokes it, under Chalice's test client."""

from typing import Any

import pytest

import app as orders_app
from chalicelib.services.acknowledging import BatchFailed
from tests.builders import order_text, sqs_event, sqs_record
from tests.http.conftest import Api, running


def test_a_batch_is_processed(api: Api) -> None:
    answer = api.process(sqs_event(sqs_record(), sqs_record(order_text("order-002"))))

    assert answer is None
    assert [record.order_id for record in api.records.all()] == ["order-001", "order-002"]


def test_a_failed_message_fails_the_batch_after_the_good_ones_are_deleted(api: Api) -> None:
    event = sqs_event(sqs_record("[]", message_id="unreadable"), sqs_record(message_id="failed"))

    with api.archive.outage(), pytest.raises(BatchFailed):
        api.process(event)

    assert api.queue.deleted == ["unreadable"]


def test_with_partial_batches_the_answer_names_the_failed_message() -> None:
    with running(ORDERS_PARTIAL_BATCH="enabled") as api, api.archive.outage():
        answer = api.process(sqs_event(sqs_record(message_id="failed")))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "failed"}]}


def test_the_processor_begins_nothing_near_the_end_of_its_time(api: Api) -> None:
    left = iter([60_000, 1_000])

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return next(left)

    handler: Any = api.app.handler_map["process_orders"]
    with pytest.raises(BatchFailed):
        handler(sqs_event(sqs_record()), Context())

    assert api.records.all() == []


def test_chalices_own_event_generator_works(api: Api) -> None:
    event = api.client.events.generate_sqs_event([order_text()], queue_name="orders")

    api.process(event)

    assert len(api.records.all()) == 1


def test_the_processor_listens_to_the_stages_queue() -> None:
    source: Any = orders_app.app.event_sources[0]

    assert source.queue == "orders-dev"
    assert source.batch_size == 10
