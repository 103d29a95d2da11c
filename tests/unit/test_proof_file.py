"""Proof files: each proves the record that it holds, and nothing that was changed."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ops.desk.proof_file import MOST_BYTES, BadProof, Proof, ProofFails
from ops.desk.seal_keys import PublicKey
from tests.made_proofs import (
    KEY,
    SigningKey,
    fields_of,
    leaf,
    proof_of,
    record_item,
    seal_over,
    signed,
)

PUBLIC = PublicKey.from_pem(KEY.pem.encode())
Fields = dict[str, Any]


def written(fields: Fields) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(("place", "count"), [(0, 1), (0, 2), (1, 3), (3, 11), (10, 11), (15, 16)])
def test_a_proof_proves_its_record_after_a_round_trip_through_a_file(
    place: int, count: int
) -> None:
    proof = Proof.from_json(proof_of(place, count).to_json())

    proved = proof.verify(PUBLIC)

    assert proved.leaf.order_id == f"order-{place:05d}"
    assert proved.text("status") == "ACCEPTED"
    assert proved.item == record_item(place)
    assert (proved.place, proved.statement.leaves) == (place, count)


def test_a_proof_holds_whatever_a_sender_wrote() -> None:
    text = '\u0000\u007f\u202e\U0001f600é"\\\ud800'
    proof = Proof.from_json(proof_of(submittedBy={"S": text}).to_json())

    assert proof.verify(PUBLIC).text("submittedBy") == text


def _another_item(fields: Fields) -> None:
    fields["item"] = fields["item"].replace("2580", "2581")


def _another_record(fields: Fields) -> None:
    """Put an item with a line of its own in the place of the sealed one."""
    item = record_item(3, status={"S": "REJECTED"})
    fields["item"] = json.dumps(item, sort_keys=True, separators=(",", ":"))
    fields["line"] = leaf(item).line


def _line_of_another(fields: Fields) -> None:
    """Name another record in the line of an item."""
    position, _, record_id, digest = json.loads(fields["line"])
    parts = [position, "order-99999", record_id, digest]
    fields["line"] = json.dumps(parts, separators=(",", ":"))


def _signature_of_another_key(fields: Fields) -> None:
    fields["seal"] = json.loads(signed(fields["seal"]["statement"], SigningKey()).to_json())


def _another_statement(fields: Fields) -> None:
    seal = fields["seal"]
    seal["statement"] = seal["statement"].replace("2026-03-02T01", "2026-03-02T02")


def _another_seal(fields: Fields) -> None:
    """Bring the seal of other records along: it is signed as it should be."""
    others = [leaf(record_item(number)) for number in range(20, 31)]
    fields["seal"] = json.loads(seal_over(others).to_json())


def _seal_of_no_statement(fields: Fields) -> None:
    fields["seal"] = json.loads(signed('{"root": 1}').to_json())


def _other_algorithm(fields: Fields) -> None:
    fields["seal"]["algorithm"] = "none"


def _other_index(fields: Fields) -> None:
    fields["index"] += 1


def _index_outside(fields: Fields) -> None:
    fields["index"] = 11


def _other_path(fields: Fields) -> None:
    fields["path"][1] = "0" * 64


def _short_path(fields: Fields) -> None:
    fields["path"].pop()


def _long_path(fields: Fields) -> None:
    fields["path"].append("0" * 64)


def _line_that_is_none(fields: Fields) -> None:
    fields["line"] = fields["line"].replace(",", ", ")


def _item_that_is_no_json(fields: Fields) -> None:
    fields["item"] = "x"


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (_another_item, "the item is not the one that was sealed"),
        (_item_that_is_no_json, "the item is not the one that was sealed"),
        (_another_record, "path does not lead"),
        (_line_of_another, "names another record"),
        (_line_that_is_none, "line is none"),
        (_signature_of_another_key, "signature is not this key's"),
        (_another_statement, "signature is not this key's"),
        (_another_seal, "path does not lead"),
        (_seal_of_no_statement, "no seal's statement"),
        (_other_algorithm, "algorithm"),
        (_other_index, "path does not lead"),
        (_index_outside, "has no leaf 11"),
        (_other_path, "path does not lead"),
        (_short_path, "too short"),
        (_long_path, "too long"),
    ],
)
def test_a_changed_proof_proves_nothing_and_says_at_which_step(
    change: Callable[[Fields], None], step: str
) -> None:
    fields = fields_of(proof_of())
    change(fields)

    with pytest.raises(ProofFails, match=step):
        Proof.from_json(written(fields)).verify(PUBLIC)


def test_a_proof_that_was_made_with_another_key_fails_against_the_known_one() -> None:
    """Whoever forges a record can forge the key beside it, but not the one that is known."""
    forger = SigningKey()
    proof = proof_of()
    forged = replace(proof, seal=signed(proof.seal.text, forger), public_key=forger.pem)

    assert forged.verify(PublicKey.from_pem(forger.pem.encode()))
    with pytest.raises(ProofFails, match="signature"):
        forged.verify(PUBLIC)


def _deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


GOOD = proof_of().to_json()
BAD_FILES = {
    "empty": b"",
    "no json": b"hello",
    "no utf-8": b'{"format": "\xff"}',
    "cut off": GOOD[: len(GOOD) // 2],
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "deep": _deep(100_000),
    "deep within": b'{"format": "orders-proof-1", "seal": ' + _deep(100_000) + b"}",
    "huge": b'"' + b"x" * MOST_BYTES + b'"',
    "a huge number": b'{"index": ' + b"9" * 100_000 + b"}",
    "a name twice": GOOD.replace(b'"index"', b'"line"', 1),
    "not finite": GOOD.replace(b'"index": 3', b'"index": Infinity'),
}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_no_proof_is_refused(content: bytes) -> None:
    with pytest.raises(BadProof):
        Proof.from_json(content)


WRONG: list[Any] = [None, True, -1, 1.5, "", [], {}, "é", ["x"], "\ud800"]


@pytest.mark.parametrize("name", [*fields_of(proof_of()), "seal.statement", "seal.signature"])
@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_a_field_of_a_wrong_type_is_refused_or_proves_nothing(name: str, value: object) -> None:
    fields = fields_of(proof_of())
    *outer, last = name.split(".")
    (fields[outer[0]] if outer else fields)[last] = value

    if name == "publicKey" and value == "":
        # Whoever verifies has a key already.
        assert Proof.from_json(written(fields)).verify(PUBLIC)
        return
    with pytest.raises((BadProof, ProofFails)):
        Proof.from_json(written(fields)).verify(PUBLIC)


@pytest.mark.parametrize("name", [*fields_of(proof_of())])
def test_a_field_that_is_missing_is_refused(name: str) -> None:
    fields = fields_of(proof_of())
    del fields[name]

    with pytest.raises(BadProof):
        Proof.from_json(written(fields))
