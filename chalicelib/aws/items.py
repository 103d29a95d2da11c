"""A record as a DynamoDB item, and back."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from chalicelib.orders.errors import FieldError, sentence_from_json, sentence_to_json
from chalicelib.orders.record import FIRST_SLOT, POSITION_DIGITS, Record, Status
from chalicelib.orders.terms import Terms
from chalicelib.orders.times import iso

Item = dict[str, Any]
NONE: Item = {"L": []}


def to_item(record: Record, audit_shards: int) -> Item:
    """
    Make the item of a record. Leave out a value that is None.

    Beside the record's own fields it holds the keys of two indexes. The audit index has a day and
    one of `audit_shards` as its partition: a bare day would cap the whole system at one partition's
    1,000 writes a second. The history index holds only records after an orderId's first, so that
    the usual order does not pay for it.
    """
    position = record.audit_position
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
        "s3Key": record.s3_key,
        "payload": record.payload,
        "submittedBy": record.submitted_by,
        "messageChannel": record.message_channel,
        "auditPartition": audit_partition(record.processed_at.date(), shard),
        "auditPosition": position,
        "historyPosition": None if record.record_id == FIRST_SLOT else position,
    }
    item: Item = {name: {"S": value} for name, value in strings.items() if value is not None}
    item["valid"] = {"BOOL": record.valid}
    item["isDuplicate"] = {"BOOL": record.is_duplicate}
    item["receiveCount"] = {"N": str(record.receive_count)}
    item["terms"] = _map(record.terms.given)
    item["errors"] = {"L": [_map(_error_to_json(error)) for error in record.errors]}
    item["differs"] = {"L": [{"S": name} for name in record.differs]}
    # Most have none, and need not pay for it.
    if record.ignored_attributes:
        item["ignoredAttributes"] = {"L": [{"S": name} for name in record.ignored_attributes]}
    return item


def from_item(item: Mapping[str, Any]) -> Record:
    """Read the record of an item that `to_item` made."""
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
        terms=Terms(_value(item["terms"])),
        errors=tuple(_error_from_json(_value(error)) for error in item["errors"]["L"]),
        s3_key=_string(item, "s3Key"),
        differs=tuple(name["S"] for name in item["differs"]["L"]),
        payload=_string(item, "payload"),
        submitted_by=_string(item, "submittedBy"),
        message_channel=_string(item, "messageChannel"),
        ignored_attributes=tuple(name["S"] for name in item.get("ignoredAttributes", NONE)["L"]),
    )


def accepted_records(changes: Sequence[Mapping[str, Any]]) -> Iterator[Record]:
    """Read the accepted records that were written, from the `Records` of a stream's event."""
    for change in changes:
        image = change["dynamodb"].get("NewImage", {})
        # The table holds the operators' audit trail too, and an operator may remove an item.
        if change["eventName"] == "INSERT" and image.get("status") == {"S": Status.ACCEPTED.value}:
            yield from_item(image)


def audit_partition(day: date, shard: int) -> str:
    """Name the audit index's partition for one shard of a day, in UTC."""
    return f"{day.isoformat()}#{shard}"


def _error_to_json(error: FieldError) -> dict[str, Any]:
    return error._asdict() | {"sentence": sentence_to_json(error.sentence)}


def _error_from_json(stored: Mapping[str, Any]) -> FieldError:
    return FieldError(stored["field"], stored["code"], sentence_from_json(stored["sentence"]))


def _map(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a map of strings, decimals and maps into a DynamoDB value."""
    return {"M": {name: _attribute(value) for name, value in values.items()}}


def _attribute(value: Any) -> dict[str, Any]:
    match value:
        case Decimal():
            return {"N": f"{value:f}"}
        case str():
            return {"S": value}
        case _:
            return _map(value)


def _value(attribute: Mapping[str, Any]) -> Any:
    match attribute:
        case {"N": number}:
            return Decimal(number)
        case {"S": text}:
            return text
        case _:
            return {name: _value(value) for name, value in attribute["M"].items()}


def _string(item: Mapping[str, Any], name: str) -> str | None:
    value: str | None = item.get(name, {}).get("S")
    return value
