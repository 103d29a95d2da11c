"""
Suspects: messages that keep coming back, any of which may be what kills the function.

A message can make the function die, or run until Lambda ends it. Then no message of its batch is
answered for, and all come back together: without more, its batch-mates would end in the dead-letter
queue with it. No receive says why the one before failed: a store that was sick leaves the same
receive count. So the processor accuses no message. It only takes the frequent ones apart, and has
each part off the queue before it begins the next.
"""

from collections.abc import Iterator, Sequence

from chalicelib.orders.order import sha256_of
from chalicelib.services.message import Message

# The first five receives are as fast as ever: so are all orders after an outage of 24 minutes. With
# parts, a batch of 10 takes four times as long, one of 100 1.7 times (docs/scaling.md).
FIRST_SUSPECT_RECEIVE = 6


def is_suspect(message: Message) -> bool:
    """Say whether a message came back so often that it may be what kills the function."""
    return message.receive_count >= FIRST_SUSPECT_RECEIVE


def parts_of(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """
    Part a batch: first all messages that are no suspects; then 1, 2, 4, ... of the suspects.

    The suspects' order is another one at each receive, as good as random. So a batch-mate is in a
    part before that of the message that kills in at least one of three receives, in a batch of any
    size; and a batch of 10 takes 4 parts, one of 100 takes 7.
    """
    fresh = [each for each in messages if not is_suspect(each)]
    if fresh:
        yield fresh
    suspects = sorted(filter(is_suspect, messages), key=_shuffled)
    size = 1
    while suspects:
        yield suspects[:size]
        suspects, size = suspects[size:], 2 * size


def _shuffled(message: Message) -> str:
    return sha256_of(f"{message.message_id} {message.receive_count}")
