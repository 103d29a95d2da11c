"""EventBridge: what it refuses of the entries of PutEvents."""

import json
from collections.abc import Callable, Sequence

from tests.aws_limits.messages import Entry, bytes_of, too_many
from tests.aws_limits.rule import Check, Rule

REFERENCE = "https://docs.aws.amazon.com/eventbridge/latest/APIReference"
PUT = f"{REFERENCE}/API_PutEvents.html"
ENTRY = f"{REFERENCE}/API_PutEventsRequestEntry.html"
SIZE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html"

# The entries in all have less than that.
BYTES = 1_048_576
BYTES_OF_A_TIME = 14
MOST_CHARACTERS_OF_TYPE = 128
CALLS = ("events.PutEvents",)


def _of_all(problem: Callable[[Sequence[Entry]], str | None]) -> Check:
    return lambda call: problem(call.parameters.get("Entries", []))


def _other_count(entries: Sequence[Entry]) -> str | None:
    return too_many(entries) if entries else "no entry"


def size_of(entry: Entry) -> int:
    texts = [entry.get(name, "") for name in ("Source", "DetailType", "Detail")]
    time = BYTES_OF_A_TIME if "Time" in entry else 0
    return time + sum(map(bytes_of, [*texts, *entry.get("Resources", ())]))


def _too_large(entries: Sequence[Entry]) -> str | None:
    size = sum(map(size_of, entries))
    return f"{size} bytes" if size >= BYTES else None


def _no_object(entries: Sequence[Entry]) -> str | None:
    return next((f"{each!r:.80}" for each in map(_detail, entries) if not _is_object(each)), None)


def _detail(entry: Entry) -> str:
    return str(entry.get("Detail", ""))


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text, parse_constant=_refuse), dict)
    except ValueError:
        return False


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _unnamed(entries: Sequence[Entry]) -> str | None:
    for entry in entries:
        for name in ("Source", "DetailType"):
            if not entry.get(name):
                return f"no {name}"
        if len(entry["DetailType"]) > MOST_CHARACTERS_OF_TYPE:
            return f"a DetailType of {len(entry['DetailType'])} characters"
    return None


RULES = (
    Rule(
        "EventBridge: a call has 1 to 10 entries",
        PUT,
        CALLS,
        _of_all(_other_count),
        "ValidationException",
    ),
    Rule(
        "EventBridge: the entries have less than 1 MB in all",
        SIZE,
        CALLS,
        _of_all(_too_large),
        "ValidationException",
    ),
    Rule(
        "EventBridge: the detail is a JSON object",
        ENTRY,
        CALLS,
        _of_all(_no_object),
        "MalformedDetail",
    ),
    Rule(
        "EventBridge: an entry has a source and a type",
        ENTRY,
        CALLS,
        _of_all(_unnamed),
        "InvalidArgument",
    ),
)
