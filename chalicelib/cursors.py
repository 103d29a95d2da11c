"""
Cursors: where a paged answer goes on, as opaque text.

A cursor holds a position and a digest over it and over the query that it came from. One that was
altered, or is used with another query, is refused. The digest is no secret and need not be one: a
position says only where to go on within a query, whose keys never come from the cursor.
"""

import base64
import hashlib

from chalicelib.messages import message

DIGEST_BYTES = 8


class InvalidCursor(ValueError):
    """The cursor is not one that this query gave out."""


def encode_cursor(query: str, position: tuple[str, str]) -> str:
    """The cursor of a position in the answer to a query, in characters that are safe in a URL."""
    data = "\n".join(position).encode()
    digest = hashlib.sha256(query.encode() + b"\n" + data).digest()[:DIGEST_BYTES]
    return base64.urlsafe_b64encode(digest + data).decode().rstrip("=")


def decode_cursor(query: str, cursor: str) -> tuple[str, str]:
    """
    The position of a cursor that this query gave out.

    Raises:
        InvalidCursor: it is not one of this query's.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_")
        text = raw[DIGEST_BYTES:].decode()
    except ValueError:
        raise InvalidCursor(message("cursor.malformed")) from None
    first, _, second = text.partition("\n")
    # Made again and compared as text, since base64 has several spellings for the same bytes.
    if encode_cursor(query, (first, second)) != cursor:
        raise InvalidCursor(message("cursor.foreign"))
    return first, second
