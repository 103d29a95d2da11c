"""
The audit entries that keep a discarded letter: its text and its attributes, whole.

A letter may have 1 MiB, and an item of the table 400 KB: what does not fit into one entry goes into
several, which are written before the one of the discard.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chalicelib.orders.order import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.desk.letters import DeadLetter

# An item of the table may have 400 KB; the rest of an entry is small.
MAX_KEPT_BYTES = 360_000
PART = "dlq.discard.part"


def parts_of(letter: DeadLetter) -> list[dict[str, str]]:
    """Make the details of the entries that hold the letter's text and attributes in pieces."""
    kept = _kept(letter)
    if _fits(kept):
        return []
    pieces = [(name, piece) for name, text in kept.items() for piece in _pieces(text)]
    return [
        {"message": letter.message_id, "part": f"{number} of {len(pieces)}", name: piece}
        for number, (name, piece) in enumerate(pieces, 1)
    ]


def details_of(letter: DeadLetter) -> dict[str, str | None]:
    """Make the details of the discard's own entry: with text and attributes, if they fit."""
    kept = _kept(letter)
    parts = len(parts_of(letter))
    return {
        "message": letter.message_id,
        "order": letter.order_id,
        "submission": letter.submission_id,
        "reason": letter.reason,
        **({} if parts else kept),
        "parts": str(parts) if parts else None,
        "payloadSha256": sha256_of(letter.message.body),
    }


def _kept(letter: DeadLetter) -> dict[str, str]:
    attributes = letter.message.message_attributes
    written = json.dumps(attributes, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return {"payload": letter.message.body, **({"attributes": written} if attributes else {})}


def _fits(kept: dict[str, str]) -> bool:
    return sum(len(_bytes(text)) for text in kept.values()) <= MAX_KEPT_BYTES


def _pieces(text: str) -> Iterator[str]:
    """Cut a text into pieces, none of which has more bytes than an entry keeps."""
    data = _bytes(text)
    start = 0
    while start < len(data):
        end = min(start + MAX_KEPT_BYTES, len(data))
        # Not in the middle of a character: its further bytes begin with the bits 10.
        while end < len(data) and data[end] & 0xC0 == 0x80:  # noqa: PLR2004
            end -= 1
        yield data[start:end].decode("utf-8", "replace")
        start = end


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
