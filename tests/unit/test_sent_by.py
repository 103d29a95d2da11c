"""`sentBy`: who put a message on the queue, by SQS's own word, unless the API did."""

from typing import Any

import pytest

from chalicelib.services.message import Message
from chalicelib.services.message_attributes import SUBMISSION_ATTRIBUTES, string_attribute
from chalicelib.services.processing import Processor
from tests.builders import START, Clock, order_text, sqs_record
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore, FakeReporter

API = "AROAAPIAPIAPIAPIAPIAP"
CLAIMS = {
    "submissionId": "s-1",
    "receivedAt": "2026-03-01T12:00:00.000Z",
    "channel": "web",
    "submittedBy": "arn:aws:sts::111122223333:assumed-role/orders-web/i-1",
    "requestId": "r-1",
}


def sent_by(sender: str | None, *, api_role_id: str | None = API, **attributes: str) -> str | None:
    records = FakeRecordStore()
    processor = Processor(
        records=records,
        archive=FakeArchive(),
        queue=FakeQueue(),
        reporter=FakeReporter(),
        clock=Clock(),
        api_role_id=api_role_id,
    )
    delivered: dict[str, Any] = sqs_record(order_text())
    delivered["messageAttributes"] = {
        name: string_attribute(value) for name, value in attributes.items()
    }
    del delivered["attributes"]["SenderId"]
    if sender is not None:
        delivered["attributes"]["SenderId"] = sender
    processor.process_batch([Message.from_record(delivered)])
    (record,) = records.all()
    assert record.processed_at == START
    return record.sent_by


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        (f"{API}:orders-prod", None),
        (API, None),
        (f"{API}X:orders-prod", f"{API}X:orders-prod"),
        (f"AROAOTHER:{API}", f"AROAOTHER:{API}"),
        ("AIDAOFAUSER", "AIDAOFAUSER"),
        ("111122223333", "111122223333"),
        (None, None),
    ],
)
def test_a_record_names_who_put_the_message_on_the_queue_unless_the_api_did(
    sender: str | None, expected: str | None
) -> None:
    assert sent_by(sender) == expected


def test_no_attribute_hides_the_sender() -> None:
    """Also one that is named as SQS's own is an attribute like any other."""
    assert set(CLAIMS) == set(SUBMISSION_ATTRIBUTES)

    claimed = sent_by("AIDAOFAUSER", **CLAIMS, SenderId=f"{API}:x", sentBy=f"{API}:x")

    assert claimed == "AIDAOFAUSER"


@pytest.mark.parametrize("sender", ["AIDAOFAUSER", f"{API}:orders-prod"])
def test_a_processor_that_does_not_know_the_apis_role_names_every_sender(sender: str) -> None:
    assert sent_by(sender, api_role_id=None, **CLAIMS) == sender
