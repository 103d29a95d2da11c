"""Leaves: one line each, in chunks that are named by their content."""

import json
from collections.abc import Callable
from datetime import date

import pytest

from chalicelib.services.leaves import (
    BadSeal,
    Chunk,
    Leaf,
    chunk_of,
    leaf_of,
    lines_of,
    root_of_chunks,
)
from chalicelib.services.merkle import EMPTY_ROOT, leaf_hash, node_hash

LEAF = Leaf("2026-05-14T09:00:00.000Z#0123456789abcdef", "order-001", "0#FIRST", "ab" * 32)
LINE = f'["2026-05-14T09:00:00.000Z#0123456789abcdef","order-001","0#FIRST","{"ab" * 32}"]'
LATER = LEAF._replace(position="2026-05-14T10:00:00.000Z#0123456789abcdef")


def test_a_leaf_is_one_line_of_json() -> None:
    assert LEAF.line == LINE


def test_a_leaf_of_any_text_is_ascii_without_a_line_break() -> None:
    leaf = LEAF._replace(order_id='é\n"\u2028😀')

    assert leaf.line.isascii()
    assert len(leaf.line.splitlines()) == 1
    assert leaf_of(leaf.line) == leaf


def test_leaves_sort_by_their_time_then_by_their_item() -> None:
    again = LEAF._replace(record_id="1#CORRECTION", item_sha256="00" * 32)

    assert sorted([LATER, again, LEAF]) == [LEAF, again, LATER]


def test_a_leaf_of_an_earlier_day_is_late() -> None:
    assert LEAF.is_late_on(date(2026, 5, 15))
    assert not LEAF.is_late_on(date(2026, 5, 14))


def test_the_name_of_a_leaf_says_nothing_of_its_content() -> None:
    assert LEAF.name == LEAF._replace(item_sha256="00" * 32).name


def test_an_entry_of_operators_is_told_by_its_key() -> None:
    assert LEAF._replace(order_id="#audit/2026-05-14").is_entry
    assert not LEAF.is_entry


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "{}",
        "[" * 100_000,
        LINE[:-1],
        f"{LINE} ",
        LINE.replace(",", ", "),
        LINE.replace('"order-001"', '"order-001","x"'),
        LINE.replace('"order-001",', ""),
        LINE.replace('"order-001"', "1"),
        LINE.replace("order", "\\u006frder"),
    ],
)
def test_another_line_is_no_leaf(line: str) -> None:
    with pytest.raises(BadSeal):
        leaf_of(line)


def test_a_chunk_is_named_by_its_lines() -> None:
    chunk, content = chunk_of([LEAF, LATER])

    assert content == f"{LEAF.line}\n{LATER.line}\n".encode()
    expected = node_hash(leaf_hash(LEAF.line.encode()), leaf_hash(LATER.line.encode()))
    assert chunk == Chunk(expected.hex(), 2, LEAF.position, LATER.position)
    assert lines_of(chunk, content) == [LEAF.line, LATER.line]


@pytest.mark.parametrize(
    "changed",
    [
        lambda content: content[:0],
        lambda content: content[:-1],
        lambda content: content + b"\n",
        lambda content: content.replace(b"order-001", b"order-002", 1),
        lambda content: content.replace(b"order-001", b"order-\xff\xff\xff", 1),
        lambda content: b"\n".join([*reversed(content[:-1].split(b"\n")), b""]),
        lambda content: content.split(b"\n")[0] + b"\n",
    ],
)
def test_another_content_than_the_chunks_is_refused(changed: Callable[[bytes], bytes]) -> None:
    chunk, content = chunk_of([LEAF, LATER])

    with pytest.raises(BadSeal):
        lines_of(chunk, changed(content))


def test_the_root_of_no_chunks_is_the_root_of_nothing() -> None:
    assert root_of_chunks([]) == EMPTY_ROOT.hex()


def test_a_line_is_what_any_reader_of_json_reads() -> None:
    assert json.loads(LEAF.line) == list(LEAF)
