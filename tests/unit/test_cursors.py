"""Cursors: opaque, bound to their query, refused when altered."""

import pytest

from chalicelib.services.cursors import InvalidCursor, decode_cursor, encode_cursor


def test_decode_cursor_reads_what_encode_cursor_writes() -> None:
    position = ("2026-03-01T12:00:00.000Z#0123456789abcdef", "2#s-1#aa")

    assert decode_cursor("query", encode_cursor("query", position)) == position


def test_a_cursor_holds_only_characters_that_are_safe_in_a_url() -> None:
    cursor = encode_cursor("query", ("\xff\xfe" * 20, "?&=/+"))

    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_decode_cursor_refuses_a_cursor_of_another_query() -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor("other", encode_cursor("query", ("a", "b")))


def test_decode_cursor_notices_every_altered_character() -> None:
    cursor = encode_cursor("query", ("position", "record"))

    for place, character in enumerate(cursor):
        altered = cursor[:place] + ("A" if character != "A" else "B") + cursor[place + 1 :]
        with pytest.raises(InvalidCursor):
            decode_cursor("query", altered)


@pytest.mark.parametrize(
    "text", ["", "x", "%%%", "ñ", "A" * 5, "A" * 10_000, "====", "AAAAAAAAAAD_", "\x00"]
)
def test_decode_cursor_refuses_any_other_text(text: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor("query", text)


@pytest.mark.parametrize("position", [("x" * 1_001, ""), ("", "x" * 1_001), ("ñ" * 501, "")])
def test_decode_cursor_refuses_a_position_that_is_too_long_for_a_key(
    position: tuple[str, str],
) -> None:
    """The digest is no secret: anyone can write a cursor. DynamoDB refuses such a key."""
    with pytest.raises(InvalidCursor):
        decode_cursor("query", encode_cursor("query", position))


def test_decode_cursor_reads_the_longest_position() -> None:
    longest = ("x" * 1_000, "ñ" * 500)

    assert decode_cursor("query", encode_cursor("query", longest)) == longest
