"""Proofs, and the keys and seals that they need, made without a stage."""

import json
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from chalicelib.services.leaves import CANONICAL, Leaf, chunk_of, hashes_of
from chalicelib.services.merkle import path_of
from chalicelib.services.seal import ALGORITHM, Seal, Statement
from ops.desk.proof_file import Proof

DAY = date(2026, 3, 1)


class SigningKey:
    """A key that seals are signed with."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())

    @property
    def pem(self) -> str:
        public = self._private.public_key()
        return public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()

    @property
    def key_id(self) -> str:
        return "key-of-tests"

    def sign(self, digest: bytes) -> bytes:
        return self._private.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))


KEY = SigningKey()


def record_item(number: int = 0, **attributes: Any) -> dict[str, Any]:
    return {
        "orderId": {"S": f"order-{number:05d}"},
        "recordId": {"S": "0#FIRST"},
        "auditPosition": {"S": f"{DAY}T12:00:00.000Z#{number:016x}"},
        "status": {"S": "ACCEPTED"},
        "submissionId": {"S": f"s-{number}"},
        "payloadSha256": {"S": sha256(b"{}").hexdigest()},
        "terms": {"M": {"amount": {"N": "2580"}, "fromAccount": {"S": "1111111"}}},
        **attributes,
    }


def leaf(item: dict[str, Any]) -> Leaf:
    digest = sha256(CANONICAL.encode(item).encode()).hexdigest()
    position, order_id, record_id = (
        item[name]["S"] for name in ("auditPosition", "orderId", "recordId")
    )
    return Leaf(position, order_id, record_id, digest)


def seal_over(leaves: list[Leaf], key: SigningKey = KEY, **changes: Any) -> Seal:
    """Seal leaves that fit into one chunk."""
    chunk, _ = chunk_of(leaves)
    statement = Statement(
        **{
            "stage": "test",
            "day": DAY,
            "sealed_at": datetime(2026, 3, 2, 1, tzinfo=UTC),
            "records": len(leaves),
            "entries": 0,
            "late": 0,
            "root": chunk.root,
            "chunks": (chunk,),
            "previous": None,
            **changes,
        }
    )
    return signed(statement.text, key)


def signed(text: str, key: SigningKey = KEY) -> Seal:
    unsigned = Seal(text, ALGORITHM, key.key_id, b"")
    return unsigned._replace(signature=key.sign(unsigned.digest))


def proof_of(place: int = 3, count: int = 11, **attributes: Any) -> Proof:
    """Prove one of so many records."""
    items = [record_item(number, **attributes) for number in range(count)]
    leaves = [leaf(item) for item in items]
    path = path_of(hashes_of(each.line for each in leaves), place)
    return Proof(
        item=CANONICAL.encode(items[place]),
        line=leaves[place].line,
        index=place,
        path=tuple(each.hex() for each in path),
        seal=seal_over(leaves),
        public_key=KEY.pem,
    )


def fields_of(proof: Proof) -> dict[str, Any]:
    """Read a proof's file, to change it."""
    fields: dict[str, Any] = json.loads(proof.to_json())
    return fields
