"""A record as a DynamoDB item, and back."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from chalicelib.orders import OrderError
from chalicelib.submissions import FIRST_SLOT, Record, Status, iso

Item = dict[str, Any]
# Of the digest in a position: enough that no two records of a millisecond share one.
POSITION_DIGITS = 16


def to_item(record: Record, audit_shards: int) -> Item:
    """
    The item of a record. A value that is None is left out.

    Beside the record's own fields it holds the keys of two indexes: of the audit index, whose
    partitions are a day and one of `audit_shards`, since a bare day would cap the whole system at
    one partition's 1,000 writes a second; and of the history index, which only records after an
    orderId's first are in, so that the usual order does not pay for it.
    """
    position = audit_position(record)
    # The digest at its end spreads a day's records evenly.
    shard = int(position[-POSITION_DIGITS:], 16) % audit_shards
    strings = {
        "orderId": record.order_id,
        "recordId": record.record_id,
        "submissionId": record.submission_id,
        "status": record.status.value,
        "payloadSha256": record.payload_sha256,
        "receivedAt": iso(record.received_at),
        "processedAt": iso(record.processed_at),
        "fromAccount": record.from_account,
        "toAccount": record.to_account,
        "channel": record.channel,
        "s3Key": record.s3_key,
        "payload": record.payload,
        "submittedBy": record.submitted_by,
        "auditPartition": audit_partition(record.processed_at.date(), shard),
        "auditPosition": position,
        "historyPosition": None if record.record_id == FIRST_SLOT else position,
    }
    item: Item = {name: {"S": value} for name, value in strings.items() if value is not None}
    item["valid"] = {"BOOL": record.valid}
    item["isDuplicate"] = {"BOOL": record.is_duplicate}
    item["receiveCount"] = {"N": str(record.receive_count)}
    item["errors"] = {"L": [{"M": _error_item(error)} for error in record.errors]}
    item["differs"] = {"L": [{"S": name} for name in record.differs]}
    if record.amount is not None:
        item["amount"] = {"N": f"{record.amount:f}"}
    return item


def from_item(item: Mapping[str, Any]) -> Record:
    """The record of an item, as `to_item` made it."""
    amount = item.get("amount")
    return Record(
        order_id=item["orderId"]["S"],
        record_id=item["recordId"]["S"],
        submission_id=item["submissionId"]["S"],
        status=Status(item["status"]["S"]),
        is_duplicate=item["isDuplicate"]["BOOL"],
        payload_sha256=item["payloadSha256"]["S"],
        received_at=datetime.fromisoformat(item["receivedAt"]["S"]),
        processed_at=datetime.fromisoformat(item["processedAt"]["S"]),
        receive_count=int(item["receiveCount"]["N"]),
        errors=tuple(_error_of(error["M"]) for error in item["errors"]["L"]),
        amount=None if amount is None else Decimal(amount["N"]),
        from_account=_string(item, "fromAccount"),
        to_account=_string(item, "toAccount"),
        channel=_string(item, "channel"),
        s3_key=_string(item, "s3Key"),
        differs=tuple(name["S"] for name in item["differs"]["L"]),
        payload=_string(item, "payload"),
        submitted_by=_string(item, "submittedBy"),
    )


def audit_position(record: Record) -> str:
    """Where a record stands in the audit: by the time it was processed, and unique."""
    return f"{iso(record.processed_at)}#{record.identity_digest[:POSITION_DIGITS]}"


def audit_partition(day: date, shard: int) -> str:
    """The audit index's partition key for one shard of a day, in UTC."""
    return f"{day.isoformat()}#{shard}"


def _error_item(error: OrderError) -> Item:
    return {name: {"S": value} for name, value in error._asdict().items()}


def _error_of(item: Mapping[str, Any]) -> OrderError:
    return OrderError(item["field"]["S"], item["code"]["S"], item["message"]["S"])


def _string(item: Mapping[str, Any], name: str) -> str | None:
    value: str | None = item.get(name, {}).get("S")
    return value
