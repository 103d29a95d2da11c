"""What the API shows: records, orders and health as JSON."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from chalicelib.health import HealthReport
from chalicelib.intake import Receipt
from chalicelib.messages import ENGLISH
from chalicelib.queries import AuditList, OrderHistory
from chalicelib.submissions import Record, iso


def to_json(value: Mapping[str, Any]) -> str:
    """The value as JSON text. A Decimal in it is an amount, and becomes an exact number."""
    return json.dumps(value, separators=(",", ":"), default=_json_number)


def receipt_json(receipt: Receipt, language: str = ENGLISH) -> dict[str, Any]:
    """The answer to a submission, in a language."""
    return {
        "orderId": receipt.order.id,
        "submissionId": receipt.submission_id,
        "status": "QUEUED",
        "valid": receipt.order.valid,
        "errors": [error.in_language(language)._asdict() for error in receipt.order.errors],
    }


def history_json(history: OrderHistory) -> dict[str, Any]:
    """An order, with one page of the records of its submissions."""
    return {
        "order": record_json(history.order),
        "s3Url": history.s3_url,
        "records": [record_json(record) for record in history.records],
        "cursor": history.cursor,
    }


def audit_json(audit: AuditList) -> dict[str, Any]:
    """One page of the audit."""
    return {
        "records": [record_json(record) for record in audit.records],
        "cursor": audit.cursor,
    }


def record_json(record: Record) -> dict[str, Any]:
    """A record, with every field that design and documentation name. Its errors are in English."""
    return {
        "orderId": record.order_id,
        "recordId": record.record_id,
        "submissionId": record.submission_id,
        "status": record.status.value,
        "valid": record.valid,
        "isDuplicate": record.is_duplicate,
        "errors": [error._asdict() for error in record.errors],
        "amount": record.amount,
        "fromAccount": record.from_account,
        "toAccount": record.to_account,
        "channel": record.channel,
        "s3Key": record.s3_key,
        "payloadSha256": record.payload_sha256,
        "receivedAt": iso(record.received_at),
        "processedAt": iso(record.processed_at),
        "receiveCount": record.receive_count,
        "differs": list(record.differs),
        "payload": record.payload,
        "submittedBy": record.submitted_by,
    }


def health_json(report: HealthReport) -> dict[str, Any]:
    """The report as health+json (draft-inadarei-api-health-check)."""
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


def _json_number(value: Any) -> int | float:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no JSON form here")
    # Exact: an amount has at most 15 significant digits, and so many survive a double. This is the
    # only float on an amount's way, and only its text is used.
    return int(value) if value == value.to_integral_value() else float(value)
