"""A record as a DynamoDB item, and back."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from chalicelib.orders.errors import FieldError, sentence_from_json, sentence_to_json
from chalicelib.orders.record import (
    FIRST_SLOT,
    POSITION_DIGITS,
    Listed,
    Record,
    Status,
    UnreadableRecord,
    parted,
)
from chalicelib.orders.terms import TERMS, Terms
from chalicelib.orders.times import iso, parse_iso
from chalicelib.orders.traceparent import TRACEPARENT, well_formed_traceparent

Item = dict[str, Any]
NONE: Item = {"L": []}
ANOTHER_FORM = "an attribute has another form than a record's"
# The attributes that every record's item has.
REQUIRED = (
    "orderId",
    "recordId",
    "submissionId",
    "status",
    "isDuplicate",
    "payloadSha256",
    "receivedAt",
    "processedAt",
    "receiveCount",
    "terms",
    "errors",
    "differs",
)


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
        "sentBy": record.sent_by,
        TRACEPARENT: record.traceparent,
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
    """
    Read the record of an item that `to_item` made.

    Raises:
        UnreadableRecord: something else made it, or changed it.
    """
    missing = [name for name in REQUIRED if name not in item]
    if missing:
        raise unreadable_item(item, f"it has no {', '.join(missing)}")
    try:
        return _record(item)
    # Whatever an attribute of another type or shape leads to.
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise unreadable_item(item) from error


def listed_from_item(item: Mapping[str, Any]) -> Listed:
    """Read an item for a list: one that can't be read does not end it."""
    try:
        return from_item(item)
    except UnreadableRecord as unreadable:
        return unreadable


def written_records(
    changes: Sequence[Mapping[str, Any]], told: Collection[Status]
) -> tuple[list[Record], list[UnreadableRecord]]:
    """
    Read the records with these verdicts that were written, from the `Records` of a stream's event.

    And what looks like one, and can't be read: it stays so, however often the stream brings it.
    """
    images = [
        change["dynamodb"].get("NewImage", {})
        for change in changes
        if change["eventName"] == "INSERT"
    ]
    # The table holds the operators' audit trail and the keys of callers too: they have no status.
    # The mapping of a packaged stage filters as well; one that `chalice deploy` made does not.
    wanted = [{"S": status.value} for status in told]
    return parted(listed_from_item(image) for image in images if image.get("status") in wanted)


def audit_partition(day: date, shard: int) -> str:
    """Name the audit index's partition for one shard of a day, in UTC."""
    return f"{day.isoformat()}#{shard}"


def _record(item: Mapping[str, Any]) -> Record:
    return Record(
        order_id=_text(item["orderId"]),
        record_id=_text(item["recordId"]),
        submission_id=_text(item["submissionId"]),
        status=Status(_text(item["status"])),
        is_duplicate=bool(item["isDuplicate"]["BOOL"]),
        payload_sha256=_text(item["payloadSha256"]),
        received_at=_moment(item["receivedAt"]),
        processed_at=_moment(item["processedAt"]),
        receive_count=int(item["receiveCount"]["N"]),
        terms=_terms(item["terms"]),
        errors=tuple(_error_from_json(_value(error)) for error in item["errors"]["L"]),
        s3_key=_string(item, "s3Key"),
        differs=tuple(map(_text, item["differs"]["L"])),
        payload=_string(item, "payload"),
        submitted_by=_string(item, "submittedBy"),
        message_channel=_string(item, "messageChannel"),
        sent_by=_string(item, "sentBy"),
        traceparent=_traceparent(item) if TRACEPARENT in item else None,
        ignored_attributes=tuple(map(_text, item.get("ignoredAttributes", NONE)["L"])),
    )


def unreadable_item(item: Mapping[str, Any], problem: str = ANOTHER_FORM) -> UnreadableRecord:
    """Name an item that can't be read as a record."""
    order_id, record_id, position = (
        str(item.get(name, {}).get("S", "")) for name in ("orderId", "recordId", "auditPosition")
    )
    return UnreadableRecord(order_id, record_id, position, problem)


def _traceparent(item: Mapping[str, Any]) -> str | None:
    # Someone's own change of it hides no verdict, and gets into no event.
    return well_formed_traceparent(_string(item, TRACEPARENT) or "")


def _terms(attribute: Mapping[str, Any]) -> Terms:
    terms = Terms(_value(attribute))
    for name, value in terms.given.items():
        # A later release's term stays as it is.
        if name in TERMS and not isinstance(value, Decimal if TERMS[name].decimal else str):
            raise TypeError(name)
    return terms


def _moment(attribute: Mapping[str, Any]) -> datetime:
    moment = parse_iso(_text(attribute))
    if moment is None:
        raise ValueError("a record's times are in UTC, to the millisecond")
    return moment


def _text(attribute: Mapping[str, Any]) -> str:
    text: str = attribute["S"]
    return text


def _error_to_json(error: FieldError) -> dict[str, Any]:
    return error._asdict() | {"sentence": sentence_to_json(error.sentence)}


def _error_from_json(stored: Mapping[str, Any]) -> FieldError:
    field, code = stored["field"], stored["code"]
    if not (isinstance(field, str) and isinstance(code, str)):
        raise TypeError("an error's field and code are texts")
    return FieldError(field, code, sentence_from_json(stored["sentence"]))


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
