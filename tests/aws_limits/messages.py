"""Messages and batches in the form that SQS and SNS share."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Entry = Mapping[str, Any]

MOST_ENTRIES = 10
ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


def bytes_of(value: str | bytes) -> int:
    """Count the bytes of a text in UTF-8, half of a surrogate pair included."""
    return len(value.encode(errors="surrogatepass") if isinstance(value, str) else value)


def attributes_of(message: Entry) -> Iterator[tuple[str, str, Any]]:
    """Yield the name, type and value of each message attribute."""
    for name, attribute in (message.get("MessageAttributes") or {}).items():
        value = attribute.get("StringValue", attribute.get("BinaryValue", ""))
        yield name, attribute.get("DataType", ""), value


def size_of_attributes(message: Entry) -> int:
    return sum(
        bytes_of(name) + bytes_of(kind) + bytes_of(value)
        for name, kind, value in attributes_of(message)
    )


def too_many(entries: Sequence[Entry]) -> str | None:
    return f"{len(entries)} entries" if len(entries) > MOST_ENTRIES else None


def ill_formed_id(entries: Sequence[Entry]) -> str | None:
    ids = [str(entry.get("Id", "")) for entry in entries]
    return next((f"the id {each!r}" for each in ids if not ENTRY_ID.fullmatch(each)), None)


def repeated_id(entries: Sequence[Entry]) -> str | None:
    ids = [entry.get("Id") for entry in entries]
    return next((f"the id {each!r} twice" for each in ids if ids.count(each) > 1), None)


def no_entry(entries: Sequence[Entry]) -> str | None:
    return None if entries else "no entry"
