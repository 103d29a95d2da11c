"""SNS: what it refuses of a batch of messages."""

from collections.abc import Callable, Sequence

from tests.aws_limits.messages import (
    Entry,
    attributes_of,
    bytes_of,
    ill_formed_id,
    no_entry,
    repeated_id,
    size_of_attributes,
    too_many,
)
from tests.aws_limits.rule import Call, Check, Rule

REFERENCE = "https://docs.aws.amazon.com/sns/latest/api"
BATCH = f"{REFERENCE}/API_PublishBatch.html"
ATTRIBUTES = "https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html"

# A topic can be told to take more; ours is not.
MOST_BYTES = 262_144
MOST_ATTRIBUTES = 10
PUBLISHING = ("sns.Publish", "sns.PublishBatch")
BATCHES = ("sns.PublishBatch",)


def _entries(call: Call) -> Sequence[Entry]:
    entries: Sequence[Entry] = call.parameters.get("PublishBatchRequestEntries", [call.parameters])
    return entries


def _of_all(problem: Callable[[Sequence[Entry]], str | None]) -> Check:
    return lambda call: problem(_entries(call))


def _too_large(entries: Sequence[Entry]) -> str | None:
    size = sum(bytes_of(each.get("Message", "")) + size_of_attributes(each) for each in entries)
    return f"{size} bytes" if size > MOST_BYTES else None


def _empty(entries: Sequence[Entry]) -> str | None:
    for entry in entries:
        if not entry.get("Message"):
            return "no message"
        for name, _, value in attributes_of(entry):
            if not value:
                return f"no value of {name}"
    return None


def _too_many_attributes(entries: Sequence[Entry]) -> str | None:
    most = max((len(entry.get("MessageAttributes") or {}) for entry in entries), default=0)
    return f"{most} attributes" if most > MOST_ATTRIBUTES else None


RULES = (
    Rule(
        "SNS: a batch has at most 10 messages",
        BATCH,
        BATCHES,
        _of_all(too_many),
        "TooManyEntriesInBatchRequest",
    ),
    Rule("SNS: a batch has a message", BATCH, BATCHES, _of_all(no_entry), "EmptyBatchRequest"),
    Rule(
        "SNS: the ids of a batch are well-formed",
        f"{REFERENCE}/API_PublishBatchRequestEntry.html",
        BATCHES,
        _of_all(ill_formed_id),
        "InvalidBatchEntryId",
    ),
    Rule(
        "SNS: the ids of a batch differ",
        BATCH,
        BATCHES,
        _of_all(repeated_id),
        "BatchEntryIdsNotDistinct",
    ),
    Rule(
        "SNS: messages have at most 256 KiB in all",
        BATCH,
        PUBLISHING,
        _of_all(_too_large),
        "BatchRequestTooLong",
    ),
    Rule(
        "SNS: a message and its attributes are not empty",
        ATTRIBUTES,
        PUBLISHING,
        _of_all(_empty),
        "InvalidParameter",
    ),
    # With raw delivery to a queue SNS discards such a message, and tells nobody.
    Rule(
        "SNS: a message has at most 10 attributes",
        ATTRIBUTES,
        PUBLISHING,
        _of_all(_too_many_attributes),
        None,
    ),
)
