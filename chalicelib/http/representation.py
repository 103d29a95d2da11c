"""The API's JSON: records, orders and health. Sentences in it are in the reader's language."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from chalicelib.orders.order import Order
from chalicelib.orders.record import Record, UnreadableRecord
from chalicelib.orders.times import iso
from chalicelib.services.health import HealthReport
from chalicelib.services.intake import Receipt
from chalicelib.services.queries import AuditList, OrderHistory
from chalicelib.services.submissions import SubmissionRead
from chalicelib.texts import Texts

# What the answer to an order says of the queue; a record's status is another thing.
QUEUED, NOT_QUEUED = "QUEUED", "NOT_QUEUED"


def to_json(value: Mapping[str, Any]) -> str:
    """Write the value as JSON text. A Decimal is an amount, and becomes an exact number."""
    return json.dumps(value, separators=(",", ":"), default=_json_number)


def receipt_json(receipt: Receipt, texts: Texts, prefix: str = "") -> dict[str, Any]:
    """Answer a submission. `prefix` is the stage's, before the path of its URL."""
    return submitted_json(receipt.order, receipt.submission_id, texts, prefix)


def submitted_json(
    order: Order, submission_id: str, texts: Texts, prefix: str = ""
) -> dict[str, Any]:
    """Show an order that was queued under a submission id, and where its submission can be read."""
    path = submission_path(order.id, submission_id, order.payload_sha256)
    return {
        "orderId": order.id,
        "submissionId": submission_id,
        "payloadSha256": order.payload_sha256,
        "status": QUEUED,
        **_validation_json(order, texts),
        "submissionUrl": f"{prefix}{path}",
    }


def submission_path(order_id: str, submission_id: str, payload_sha256: str) -> str:
    """
    Write where a submission can be read. No character of its parts needs to be quoted.

    It names the whole identity: another payload under the same id never answers in its place.
    """
    return f"/orders/{order_id}/submissions/{submission_id}?payloadSha256={payload_sha256}"


def path_of_receipt(receipt: Receipt) -> str:
    """Write where the submission of a receipt can be read."""
    order = receipt.order
    return submission_path(order.id, receipt.submission_id, order.payload_sha256)


def submission_json(read: SubmissionRead, texts: Texts) -> dict[str, Any]:
    """Show what became of one submission: a rejected one with its text, as it was received."""
    return {
        "submission": record_json(read.record, texts),
        "s3Url": read.s3_url,
        "payload": read.record.payload,
    }


def judgement_json(order: Order, texts: Texts) -> dict[str, Any]:
    """Answer a dry run: as a submission, without what only a queued order has."""
    return {"orderId": order.id, "status": NOT_QUEUED, **_validation_json(order, texts)}


def history_json(history: OrderHistory, texts: Texts) -> dict[str, Any]:
    """Show an order with one page of the records of its submissions."""
    return {
        "order": record_json(history.order, texts),
        "s3Url": history.s3_url,
        "records": [record_json(record, texts) for record in history.records],
        "cursor": history.cursor,
        "unreadable": _unreadable_json(history.unreadable),
    }


def audit_json(audit: AuditList, texts: Texts) -> dict[str, Any]:
    """Show one page of the audit."""
    return {
        "records": [record_json(record, texts) for record in audit.records],
        "cursor": audit.cursor,
        "unreadable": _unreadable_json(audit.unreadable),
    }


def record_json(record: Record, texts: Texts) -> dict[str, Any]:
    """Show a record, without its payload. Its terms stand flat among the other fields."""
    return {
        "orderId": record.order_id,
        "recordId": record.record_id,
        "submissionId": record.submission_id,
        "status": record.status.value,
        "valid": record.valid,
        "isDuplicate": record.is_duplicate,
        "errors": [texts.error(error) for error in record.errors],
        **record.terms,
        "s3Key": record.s3_key,
        "payloadSha256": record.payload_sha256,
        "receivedAt": iso(record.received_at),
        "processedAt": iso(record.processed_at),
        "receiveCount": record.receive_count,
        "differs": list(record.differs),
        "submittedBy": record.submitted_by,
        "messageChannel": record.message_channel,
        "ignoredAttributes": list(record.ignored_attributes),
        "sentBy": record.sent_by,
    }


def health_json(report: HealthReport) -> dict[str, Any]:
    """Show the report as health+json (draft-inadarei-api-health-check)."""
    return {
        "status": report.status.value,
        "checks": {
            f"{name}:responseTime": [
                {
                    "componentType": "datastore",
                    "observedValue": check.observed_ms,
                    "observedUnit": "ms",
                    "status": check.status.value,
                    **({"output": check.output} if check.output else {}),
                }
            ]
            for name, check in report.checks.items()
        },
    }


def _validation_json(order: Order, texts: Texts) -> dict[str, Any]:
    return {"valid": order.valid, "errors": [texts.error(error) for error in order.errors]}


def _unreadable_json(unreadable: Iterable[UnreadableRecord]) -> list[dict[str, str]]:
    return [{"orderId": each.order_id, "recordId": each.record_id} for each in unreadable]


def _json_number(value: Any) -> int | float:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no JSON form here")
    # Exact: an amount has at most 15 significant digits, and so many survive a double. This is the
    # only float on an amount's way, and only its text is used.
    return int(value) if value == value.to_integral_value() else float(value)
