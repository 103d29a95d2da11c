"""A batch over an archive on obstore whose store answers each order in another way."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.config import Config

from chalicelib.aws.clients import CLIENT_CONFIG, make_session
from chalicelib.aws.obstore_archive import open_archive
from chalicelib.services.message import Message
from chalicelib.services.processing import Processor
from tests import scripted_store
from tests.builders import START, order_text, redelivered, sqs_message
from tests.fakes import FakeQueue, FakeRecordStore, FakeReporter
from tests.scripted_store import STORED, Answer, Asked, ScriptedStore, answer, error

HASTY = CLIENT_CONFIG.merge(Config(connect_timeout=0.1, read_timeout=0.2))
KEPT: Mapping[str, Answer] = {
    "stored": STORED,
    "there-already": error(412, "PreconditionFailed"),
}
FAILING: Mapping[str, Answer] = {
    "throttled": error(503, "SlowDown"),
    "error-of-s3": answer(500),
    "conflict": error(409, "ConditionalRequestConflict"),
    "no-bucket": error(404, "NoSuchBucket"),
    "skewed": error(403, "RequestTimeTooSkewed"),
    "page": answer(200, b"<html>"),
    "no-xml": answer(400, b"{}"),
    "redirect": answer(307, Location="http://127.0.0.1:9/"),
    "reset": scripted_store.reset,
    "closed": scripted_store.close,
    "garbled": scripted_store.garble,
    "hangs": scripted_store.hang,
    "drips": scripted_store.drip,
}
ORDER_ID = re.compile(r"/orders/([^/]+)/")


class StoreById(ScriptedStore):
    """A store that answers by the order's id."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__(STORED)
        self.answers = answers

    def _next(self, asked: Asked) -> Answer:
        found = ORDER_ID.search(asked.line)
        assert found
        return self.answers[found[1]]


class Batches:
    """The processor over obstore and such a store, and what its deliveries left behind."""

    def __init__(self, store: StoreById) -> None:
        self.store = store
        self.records = FakeRecordStore()
        self._processor = Processor(
            records=self.records,
            archive=open_archive(make_session(), HASTY, "orders-dev", sleep=lambda _: None),
            queue=FakeQueue(),
            reporter=FakeReporter(),
            clock=lambda: START,
            concurrently=ThreadPoolExecutor(32).map,
            sleep=lambda _: None,
        )

    def failed(self, messages: Sequence[Message]) -> list[Message]:
        """Process a batch, and return what stays on the queue."""
        batch = self._processor.process_batch(messages)
        assert len(batch) == len(messages)
        return [each.message for each in batch if each.failure]

    def recorded(self) -> list[str]:
        return sorted(record.order_id for record in self.records.all())


def test_each_order_of_a_batch_ends_as_its_own_put_did_and_is_recorded_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = {**KEPT, **FAILING}
    messages = [sqs_message(order_text(order_id)) for order_id in answers]
    with StoreById(answers) as store:
        monkeypatch.setenv("AWS_ENDPOINT_URL", store.url)
        batches = Batches(store)

        failed = batches.failed(messages)

        assert batches.recorded() == sorted(KEPT)
        assert {each.body for each in failed} == {order_text(order_id) for order_id in FAILING}

        # Some of these had been written after all; S3 says so of the rest.
        store.answers = dict.fromkeys(answers, KEPT["stored"]) | {"hangs": KEPT["there-already"]}
        again = batches.failed([redelivered(each) for each in messages])

        assert again == []
        assert batches.recorded() == sorted(answers)
