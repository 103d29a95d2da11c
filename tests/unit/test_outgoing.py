"""The calls that messages are sent by: as SQS takes them, and no more of them than needed."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.orders.order import MAX_PAYLOAD_BYTES
from chalicelib.services.outgoing import (
    MOST_BYTES_PER_CALL,
    MOST_MESSAGES_PER_CALL,
    Outgoing,
    in_batches,
)
from tests.aws_limits.sqs_batches import MOST_BYTES, size_of

ATTRIBUTES = {"submissionId": "s-1", "submittedBy": None}
SIZE_OF_ATTRIBUTES = len("submissionIdStrings-1")


def message(size: int) -> Outgoing:
    return Outgoing("x" * size, ATTRIBUTES)


def test_a_message_has_the_bytes_that_sqs_counts() -> None:
    outgoing = Outgoing("ñ😀", {"submittedBy": "é", "requestId": None, "submissionId": "s-1"})

    assert outgoing.size_bytes == size_of(
        {
            "MessageBody": "ñ😀",
            "MessageAttributes": {
                "submittedBy": {"DataType": "String", "StringValue": "é"},
                "submissionId": {"DataType": "String", "StringValue": "s-1"},
            },
        }
    )


def test_the_bounds_of_a_call_are_within_those_of_sqs() -> None:
    largest = MAX_PAYLOAD_BYTES + 10_000  # no attribute of ours is as long

    assert MOST_MESSAGES_PER_CALL == 10
    assert MOST_BYTES_PER_CALL < largest < MOST_BYTES


def test_a_call_is_filled_to_its_last_byte() -> None:
    half = MOST_BYTES_PER_CALL // 2 - SIZE_OF_ATTRIBUTES

    assert list(map(len, in_batches([message(half), message(half)]))) == [2]
    assert list(map(len, in_batches([message(half), message(half + 1)]))) == [1, 1]


@given(st.lists(st.integers(0, MAX_PAYLOAD_BYTES), max_size=40))
def test_messages_are_parted_in_their_order_into_calls_that_sqs_takes(sizes: list[int]) -> None:
    messages = [message(size) for size in sizes]

    batches = list(in_batches(messages))

    assert [each for batch in batches for each in batch] == messages
    for batch in batches:
        assert 1 <= len(batch) <= 10
        assert len(batch) == 1 or sum(each.size_bytes for each in batch) <= MOST_BYTES_PER_CALL
    for batch, following in itertools.pairwise(batches):
        size = sum(each.size_bytes for each in batch) + following[0].size_bytes
        assert len(batch) == 10 or size > MOST_BYTES_PER_CALL
