"""
A seal: what a UTC day held, under one root and one signature, chained to the day before's.

It is an envelope: a statement, which is exactly the text that is signed, and the signature.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple, Self

from chalicelib.orders.times import iso, parse_iso
from chalicelib.services.leaves import CANONICAL, CHUNK_LEAVES, BadSeal, Chunk, root_of_chunks

FORMAT = "orders-seal-1"
ALGORITHM = "ECDSA_SHA_256"
SEALS_PREFIX = "seals/"
SEAL_NAME = "seal.json"
SHA256_BYTES = 32
ONE_DAY = timedelta(days=1)


def seal_key(day: date) -> str:
    """Name the object of a day's seal."""
    return f"{SEALS_PREFIX}{day.isoformat()}/{SEAL_NAME}"


def chunk_key(day: date, chunk: Chunk) -> str:
    """Name the object of a chunk: by its content, so that two sealers never meet."""
    return f"{SEALS_PREFIX}{day.isoformat()}/{chunk.root}.ndjson"


class Statement(NamedTuple):
    """
    A statement about a day. Its leaves are `records` and `entries`, the late ones among them.

    `late` of the leaves belong to earlier days.
    """

    stage: str
    day: date
    sealed_at: datetime
    records: int
    entries: int
    late: int
    root: str
    chunks: tuple[Chunk, ...]
    # The SHA-256 of the statement of the day before; the first seal has none.
    previous: str | None

    @property
    def leaves(self) -> int:
        return self.records + self.entries

    @property
    def previous_day(self) -> date | None:
        return None if self.previous is None else self.day - ONE_DAY

    @property
    def text(self) -> str:
        """The statement as it is signed: canonical JSON."""
        return CANONICAL.encode(
            {
                "format": FORMAT,
                "stage": self.stage,
                "day": self.day.isoformat(),
                "sealedAt": iso(self.sealed_at),
                "records": self.records,
                "entries": self.entries,
                "late": self.late,
                "leaves": self.leaves,
                "root": self.root,
                "chunks": [chunk._asdict() for chunk in self.chunks],
                "previousDay": self.previous_day and self.previous_day.isoformat(),
                "previous": self.previous,
            }
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read a statement that `text` wrote.

        Raises:
            BadSeal: it is another text, or its parts contradict each other.
        """
        try:
            statement = cls._read(json.loads(text))
            whole = statement.text == text and statement.is_whole
        # Whatever a text of another shape leads to.
        except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
            raise BadSeal("the statement has another form") from error
        if not whole:
            raise BadSeal("the statement contradicts itself")
        return statement

    @classmethod
    def _read(cls, fields: Mapping[str, Any]) -> Self:
        sealed_at = parse_iso(fields["sealedAt"])
        if sealed_at is None:
            raise ValueError("sealedAt")
        return cls(
            stage=fields["stage"],
            day=date.fromisoformat(fields["day"]),
            sealed_at=sealed_at,
            chunks=tuple(Chunk(**chunk) for chunk in fields["chunks"]),
            **{name: fields[name] for name in ("records", "entries", "late", "root", "previous")},
        )

    @property
    def is_whole(self) -> bool:
        """Tell whether types, counts and chunks fit each other."""
        sizes = [chunk.leaves for chunk in self.chunks]
        counts = (self.records, self.entries, self.late, *sizes)
        texts = [self.stage, *(text for chunk in self.chunks for text in (chunk.first, chunk.last))]
        return (
            all(type(count) is int and count >= 0 for count in counts)
            and all(type(text) is str for text in texts)
            and all(size == CHUNK_LEAVES for size in sizes[:-1])
            and all(0 < size <= CHUNK_LEAVES for size in sizes)
            and sum(sizes) == self.leaves >= self.late
            and self.root == root_of_chunks(self.chunks)
            and (self.previous is None or len(bytes.fromhex(self.previous)) == SHA256_BYTES)
        )


class Seal(NamedTuple):
    """A statement's text, its signature (DER), and the name of the key that made it."""

    text: str
    algorithm: str
    key_id: str
    signature: bytes

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the statement: it is signed, and the next seal is chained to it."""
        return sha256(self.text.encode()).digest()

    @property
    def statement(self) -> Statement:
        """Read the statement; raise BadSeal if it is none. That it is signed, a key tells."""
        return Statement.parse(self.text)

    def to_json(self) -> bytes:
        """Write the seal as its object holds it."""
        envelope = {
            "statement": self.text,
            "algorithm": self.algorithm,
            "keyId": self.key_id,
            "signature": b64encode(self.signature).decode(),
        }
        return json.dumps(envelope, indent=1).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """
        Read a seal's object. Neither statement nor signature is looked into.

        Raises:
            BadSeal: it is no seal.
        """
        try:
            envelope = json.loads(content)
            text, algorithm, key_id, signature = (
                envelope[name] for name in ("statement", "algorithm", "keyId", "signature")
            )
            # Texts, and such as can be hashed and shown: with no half of a surrogate pair.
            for part in (text, algorithm, key_id):
                str.encode(part)
            return cls(text, algorithm, key_id, b64decode(signature, validate=True))
        except (LookupError, TypeError, ValueError, RecursionError) as error:
            raise BadSeal("the object is no seal") from error
