"""Messages that are on their way to the queue, and the calls of SendMessageBatch that hold them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

# SQS refuses a call with more (its API reference, "SendMessageBatch"): the bytes are those of all
# messages together, each counted with its attributes. They were 262,144 before August 2025.
MOST_MESSAGES_PER_CALL = 10
MOST_BYTES_PER_CALL = 1024 * 1024
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
    """Part messages into calls, in their order. Each call has as many as SQS takes."""
    batch: list[Outgoing] = []
    size = 0
    for message in messages:
        if len(batch) == MOST_MESSAGES_PER_CALL or size + message.size_bytes > MOST_BYTES_PER_CALL:
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += message.size_bytes
    if batch:
        yield batch
