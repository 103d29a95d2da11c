"""The seal: a statement that is exactly the signed text, in an envelope."""

import json
from base64 import b64encode
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

import pytest

from chalicelib.services.leaves import CHUNK_LEAVES, BadSeal, Chunk, root_of_chunks
from chalicelib.services.seal import Seal, Statement, chunk_key, seal_key

DAY = date(2026, 5, 14)
FIRST, LAST = "2026-05-13T23:59:59.000Z#00", "2026-05-14T23:00:00.000Z#ff"
CHUNKS = (
    Chunk("11" * 32, CHUNK_LEAVES, FIRST, LAST),
    Chunk("22" * 32, 3, LAST, LAST),
)
STATEMENT = Statement(
    stage="dev",
    day=DAY,
    sealed_at=datetime(2026, 5, 15, 1, 0, 2, 345_000, UTC),
    records=CHUNK_LEAVES,
    entries=3,
    late=2,
    root=root_of_chunks(CHUNKS),
    chunks=CHUNKS,
    previous="ab" * 32,
)
SEAL = Seal(STATEMENT.text, "ECDSA_SHA_256", "arn:of:the:key", b"\x30\x00")


def test_the_statement_is_canonical_json() -> None:
    fields = json.loads(STATEMENT.text)

    assert STATEMENT.text == json.dumps(fields, sort_keys=True, separators=(",", ":"))
    assert fields == {
        "format": "orders-seal-1",
        "stage": "dev",
        "day": "2026-05-14",
        "sealedAt": "2026-05-15T01:00:02.345Z",
        "records": CHUNK_LEAVES,
        "entries": 3,
        "late": 2,
        "leaves": CHUNK_LEAVES + 3,
        "root": STATEMENT.root,
        "chunks": [
            {"root": "11" * 32, "leaves": CHUNK_LEAVES, "first": FIRST, "last": LAST},
            {"root": "22" * 32, "leaves": 3, "first": LAST, "last": LAST},
        ],
        "previousDay": "2026-05-13",
        "previous": "ab" * 32,
    }


EMPTY = STATEMENT._replace(records=0, entries=0, late=0, chunks=(), root=root_of_chunks([]))


@pytest.mark.parametrize("statement", [STATEMENT, EMPTY, EMPTY._replace(previous=None)])
def test_a_statement_is_read_as_it_was_written(statement: Statement) -> None:
    assert Statement.parse(statement.text) == statement


def test_the_first_seal_has_no_day_before() -> None:
    assert STATEMENT._replace(previous=None).previous_day is None


def altered(**fields: Any) -> str:
    changed = json.loads(STATEMENT.text) | fields
    return json.dumps(changed, sort_keys=True, separators=(",", ":"))


CHUNK = CHUNKS[1]._asdict()
FULL = CHUNKS[0]._asdict()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "[" * 100_000,
        STATEMENT.text + " ",
        STATEMENT.text.replace(",", ", "),
        altered(format="orders-seal-2"),
        altered(more=1),
        altered(stage=1),
        altered(day="2026-02-30"),
        altered(day="20260514"),
        altered(day=None),
        altered(sealedAt="2026-05-15"),
        altered(sealedAt=1),
        altered(records=CHUNK_LEAVES + 1),
        altered(records=CHUNK_LEAVES + 4, entries=-1),
        altered(records="1"),
        altered(records=None),
        altered(entries=3.0),
        altered(late=True),
        altered(late=-1),
        altered(late=CHUNK_LEAVES + 4),
        altered(leaves=1),
        altered(root="11" * 32),
        altered(chunks=None),
        altered(chunks=[FULL]),
        altered(chunks=[CHUNK, FULL]),
        altered(chunks=[FULL, CHUNK | {"leaves": 0}], entries=0, leaves=CHUNK_LEAVES),
        altered(chunks=[FULL, CHUNK | {"leaves": float("nan")}]),
        altered(chunks=[FULL, CHUNK | {"first": 1}]),
        altered(chunks=[FULL, CHUNK | {"root": "no hex"}]),
        altered(chunks=[FULL, CHUNK | {"more": 1}]),
        altered(previousDay="2026-05-12"),
        altered(previousDay=None),
        altered(previous=None),
        altered(previous=""),
        altered(previous="ab"),
        altered(previous=1),
        # The day before it can't be written.
        altered(day="0001-01-01"),
    ],
)
def test_another_text_is_no_statement(text: str) -> None:
    with pytest.raises(BadSeal):
        Statement.parse(text)


def test_a_seal_signs_the_exact_text() -> None:
    assert SEAL.digest == sha256(STATEMENT.text.encode()).digest()
    assert SEAL.statement == STATEMENT


def test_a_seals_object_is_json_that_anyone_can_check() -> None:
    assert json.loads(SEAL.to_json()) == {
        "statement": STATEMENT.text,
        "algorithm": "ECDSA_SHA_256",
        "keyId": "arn:of:the:key",
        "signature": b64encode(b"\x30\x00").decode(),
    }
    assert Seal.from_json(SEAL.to_json()) == SEAL


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b"{}",
        SEAL.to_json().replace(b'"MAA="', b'"?"'),
        SEAL.to_json().replace(b'"MAA="', b"1"),
        SEAL.to_json().replace(b'"MAA="', b"null"),
        SEAL.to_json().replace(b"arn:of", b"\\ud800"),
    ],
)
def test_another_object_is_no_seal(content: bytes) -> None:
    with pytest.raises(BadSeal):
        Seal.from_json(content)


def test_everything_of_a_day_is_under_its_own_prefix() -> None:
    assert seal_key(DAY) == "seals/2026-05-14/seal.json"
    assert chunk_key(DAY, CHUNKS[0]) == f"seals/2026-05-14/{'11' * 32}.ndjson"
