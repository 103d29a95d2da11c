"""The lines of a file of orders: in batches that one request can take, none lost, none changed."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.orders.order import MAX_PAYLOAD_BYTES
from chalicelib.services.batch_lines import BLANK, MAX_BATCH_BYTES, MAX_BATCH_LINES
from ops.bulk import lines
from ops.bulk.lines import Batch, LongLine, read_lines


def read(content: bytes, last_number: int = 0) -> list[Batch]:
    parts = list(read_lines(io.BytesIO(content), last_number))
    assert all(isinstance(part, Batch) for part in parts)
    return [part for part in parts if isinstance(part, Batch)]


def contents(content: bytes) -> list[tuple[int, bytes]]:
    return [(line.number, line.content) for batch in read(content) for line in batch.lines]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", []),
        (b"\n\n \t\r\n", []),
        (b"a\nb\n", [(1, b"a"), (2, b"b")]),
        (b"a\nb", [(1, b"a"), (2, b"b")]),
        (b"\na\n\n\nb\n\n", [(2, b"a"), (5, b"b")]),
        (b"a\r\nb\r\n", [(1, b"a\r"), (2, b"b\r")]),
        (b"a\rb\n", [(1, b"a\rb")]),
        (b" a \n", [(1, b" a ")]),
        ("\ufeffa\u2028b\n".encode(), [(1, "\ufeffa\u2028b".encode())]),
        (b"\xff\x00\n", [(1, b"\xff\x00")]),
        # The API takes it for a line, and refuses it.
        (b"\x0c\n", [(1, b"\x0c")]),
    ],
    ids=repr,
)
def test_a_line_ends_with_a_line_feed_and_with_nothing_else(
    content: bytes, found: list[tuple[int, bytes]]
) -> None:
    assert contents(content) == found


def test_a_batch_counts_the_bytes_and_the_numbers_of_blank_lines() -> None:
    (batch,) = read(b"\na\n\n", last_number=7)

    assert batch == Batch((lines.Line(9, b"a"),), last_number=10, size=4, blank=2)


def test_a_batch_has_no_more_lines_than_a_request_may() -> None:
    found = read(b"a\n" * (MAX_BATCH_LINES * 2 + 1))

    assert [len(batch.lines) for batch in found] == [MAX_BATCH_LINES, MAX_BATCH_LINES, 1]
    assert found[1].lines[0].number == MAX_BATCH_LINES + 1


def test_a_batch_has_no_more_bytes_than_a_request_may() -> None:
    largest = b"x" * MAX_PAYLOAD_BYTES

    found = read(b"".join(largest + b"\n" for _ in range(40)))

    bodies = [sum(len(line.content) + 1 for line in batch.lines) for batch in found]
    assert all(size <= MAX_BATCH_BYTES for size in bodies)
    assert [len(batch.lines) for batch in found] == [15, 15, 10]


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_the_largest_order_is_a_line_like_any_other(ending: bytes) -> None:
    (batch,) = read(b"x" * MAX_PAYLOAD_BYTES + ending)

    assert len(batch.lines[0].content.rstrip(b"\r")) == MAX_PAYLOAD_BYTES


@pytest.mark.parametrize("size", [MAX_PAYLOAD_BYTES + 3, 3_000_000], ids=str)
@pytest.mark.parametrize("ending", [b"", b"\n"], ids=repr)
def test_a_longer_line_comes_in_pieces(size: int, ending: bytes) -> None:
    long = b"y" * size + ending
    content = b"a\n\n" + long + (b"b\n" if ending else b"")

    found = [
        (part.number, b"".join(part.pieces)) if isinstance(part, LongLine) else part
        for part in read_lines(io.BytesIO(content))
    ]

    first, second, *rest = found
    assert first == Batch((lines.Line(1, b"a"),), 2, 3, 1)
    assert second == (3, long)
    assert rest == ([Batch((lines.Line(4, b"b"),), 4, 2, 0)] if ending else [])


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"], ids=repr)
@pytest.mark.parametrize("size", [MAX_PAYLOAD_BYTES + 3, MAX_BATCH_BYTES - 2], ids=str)
def test_a_long_line_of_blanks_is_no_line_either(size: int, ending: bytes) -> None:
    blank = b" " * size + ending
    content = b"a\n" + blank + (b"b\n" if ending else b"")

    found = read(content)

    assert sum(batch.size for batch in found) == len(content)
    assert [line.number for batch in found for line in batch.lines] == ([1, 3] if ending else [1])
    assert sum(batch.blank for batch in found) == 1


@pytest.mark.parametrize("size", [MAX_PAYLOAD_BYTES + 3, 3 * MAX_BATCH_BYTES], ids=str)
def test_a_long_line_that_begins_with_blanks_is_kept_byte_for_byte(size: int) -> None:
    long = b" " * size + b"x\n"

    pieces = [
        b"".join(part.pieces) for part in read_lines(io.BytesIO(long)) if isinstance(part, LongLine)
    ]

    assert pieces == [long]


@given(st.lists(st.binary(max_size=9)), st.integers(1, 4), st.integers(20, 40))
def test_no_byte_of_a_file_is_lost(pieces: list[bytes], most_lines: int, most_bytes: int) -> None:
    content = b"\n".join(pieces)
    with pytest.MonkeyPatch.context() as limits:
        limits.setattr(lines, "MAX_BATCH_LINES", most_lines)
        limits.setattr(lines, "MAX_BATCH_BYTES", most_bytes)
        found = read(content)

    assert sum(batch.size for batch in found) == len(content)
    assert [line.content for batch in found for line in batch.lines] == [
        line for line in content.split(b"\n") if line.strip(BLANK)
    ]
