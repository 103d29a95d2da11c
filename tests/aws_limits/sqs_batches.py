"""SQS: what it refuses of batches."""

from collections.abc import Callable, Sequence

from tests.aws_limits.messages import (
    Entry,
    bytes_of,
    ill_formed_id,
    no_entry,
    repeated_id,
    size_of_attributes,
    too_many,
)
from tests.aws_limits.rule import Call, Check, Rule

GUIDE = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide"
REFERENCE = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference"
QUOTAS = f"{GUIDE}/quotas-messages.html"
BATCH = f"{REFERENCE}/API_SendMessageBatch.html"

# Of a message, and of all messages of a batch.
MOST_BYTES = 1_048_576

SENDING = ("sqs.SendMessage", "sqs.SendMessageBatch")
BATCHES = ("sqs.SendMessageBatch", "sqs.DeleteMessageBatch", "sqs.ChangeMessageVisibilityBatch")


def entries_of(call: Call) -> Sequence[Entry]:
    """List the entries of a batch; a call with one message is its only entry."""
    entries: Sequence[Entry] = call.parameters.get("Entries", [call.parameters])
    return entries


def size_of(message: Entry) -> int:
    return bytes_of(message.get("MessageBody", "")) + size_of_attributes(message)


def _of_all(problem: Callable[[Sequence[Entry]], str | None]) -> Check:
    """Check the entries of a batch together."""
    return lambda call: problem(entries_of(call))


def _batch_too_large(entries: Sequence[Entry]) -> str | None:
    size = sum(map(size_of, entries))
    return f"{size} bytes in all" if size > MOST_BYTES else None


RULES = (
    Rule(
        "SQS: a batch has at most 10 entries",
        BATCH,
        BATCHES,
        _of_all(too_many),
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
    ),
    Rule(
        "SQS: a batch has an entry",
        BATCH,
        BATCHES,
        _of_all(no_entry),
        "AWS.SimpleQueueService.EmptyBatchRequest",
    ),
    Rule(
        "SQS: the ids of a batch are well-formed",
        QUOTAS,
        BATCHES,
        _of_all(ill_formed_id),
        "AWS.SimpleQueueService.InvalidBatchEntryId",
    ),
    Rule(
        "SQS: the ids of a batch differ",
        BATCH,
        BATCHES,
        _of_all(repeated_id),
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
    ),
    Rule(
        "SQS: a batch has at most 1 MiB",
        BATCH,
        ("sqs.SendMessageBatch",),
        _of_all(_batch_too_large),
        "AWS.SimpleQueueService.BatchRequestTooLong",
    ),
)
