"""
Cursors: opaque text that says where a paged answer goes on.

A cursor holds a position and a digest over it and over the query that it came from. One that was
altered, or is used with another query, is refused. The digest is no secret and need not be one: a
position says only where to go on within a query, whose keys never come from the cursor.
"""

import base64
import hashlib

from chalicelib.orders.errors import Refusal, sentence

DIGEST_BYTES = 8
# Of each of its two texts. No position that a query gave out comes near, and a store refuses to
# look for a key that is too long: a forged cursor must not look like an outage.
MAX_POSITION_BYTES = 1_000


class InvalidCursor(Refusal):
    """The cursor is not one that this query gave out."""


def encode_cursor(query: str, position: tuple[str, str]) -> str:
    """Write the cursor of a position in the answer to a query, in characters safe in a URL."""
    data = "\n".join(position).encode()
    digest = hashlib.sha256(query.encode() + b"\n" + data).digest()[:DIGEST_BYTES]
    return base64.urlsafe_b64encode(digest + data).decode().rstrip("=")


def decode_cursor(query: str, cursor: str) -> tuple[str, str]:
    """
    Read the position of a cursor that this query gave out.

    Raises:
        InvalidCursor: it is not one of this query's.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_")
        text = raw[DIGEST_BYTES:].decode()
    except ValueError:
        raise InvalidCursor(sentence("cursor.malformed")) from None
    first, _, second = text.partition("\n")
    # Encode it again and compare texts, since base64 has several spellings for the same bytes.
    if encode_cursor(query, (first, second)) != cursor:
        raise InvalidCursor(sentence("cursor.foreign"))
    if max(len(first.encode()), len(second.encode())) > MAX_POSITION_BYTES:
        raise InvalidCursor(sentence("cursor.malformed"))
    return first, second
