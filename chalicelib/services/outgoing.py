"""Messages that are on their way to the queue, and the calls of SendMessageBatch that hold them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

# SQS refuses a call with more (its API reference, "SendMessageBatch").
MOST_MESSAGES_PER_CALL = 10
# All messages together, each counted with its attributes. SQS takes four times as many since August
# 2025. More would save nothing: SQS charges each 64 KiB as a request, and each call has 2 seconds.
MOST_BYTES_PER_CALL = 256 * 1024
STRING = "String"


class Outgoing(NamedTuple):
    """An order's text, and the attributes that go with it. Those that are None are left out."""

    payload: str
    attributes: Mapping[str, str | None]

    @property
    def size_bytes(self) -> int:
        """The bytes as SQS counts them: the body, and each attribute's name, type and value."""
        return len(self.payload.encode()) + sum(
            len(name.encode()) + len(STRING) + len(value.encode())
            for name, value in self.attributes.items()
            if value is not None
        )


def in_batches(messages: Iterable[Outgoing]) -> Iterator[Sequence[Outgoing]]:
    """Part messages into calls, in their order. One that is larger than the bound goes alone."""
    batch: list[Outgoing] = []
    size = 0
    for message in messages:
        is_full = len(batch) == MOST_MESSAGES_PER_CALL
        if is_full or (batch and size + message.size_bytes > MOST_BYTES_PER_CALL):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += message.size_bytes
    if batch:
        yield batch
