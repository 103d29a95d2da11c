"""
Proof files: one record, and what shows that it is among those that a seal holds.

A file is verified by itself: without the table, the bucket, AWS or a network. The item, the line
and the statement stand in it as texts, exactly as they are hashed and signed, so that a shell can
check them too. docs/audit.md has the script.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from chalicelib.http.parameters import SHA256
from chalicelib.services.leaves import BadSeal, Leaf, leaf_of
from chalicelib.services.merkle import BadPath, leaf_hash, root_by_path
from chalicelib.services.seal import ALGORITHM, Seal, Statement

if TYPE_CHECKING:
    from chalicelib.aws.items import Item

FORMAT = "orders-proof-1"
# An item has 400 KB at most; written in ASCII, within a text of JSON, a character of two bytes has
# seven. The statement of a day of a million records has 30 KB.
MOST_BYTES = 8_000_000
# A tree of as many leaves as can be counted is not higher.
MOST_STEPS = 64


class BadProof(ValueError):
    """A file is no proof: the message says why, without its full stop."""


class ProofFails(Exception):
    """A proof proves nothing: the message says which step fails, without its full stop."""


class Verifier(Protocol):
    """A public key, as far as proofs need it."""

    @property
    def fingerprint(self) -> str: ...
    def verify(self, signature: bytes, digest: bytes) -> bool: ...


class Proved(NamedTuple):
    """A record that a file has proved, and the seal that holds it."""

    item: Item
    leaf: Leaf
    place: int
    statement: Statement
    digest: str

    def text(self, name: str) -> str:
        """Return a text among the item's attributes; nothing for another attribute."""
        attribute = self.item.get(name)
        value = attribute.get("S") if isinstance(attribute, dict) else None
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof, as its file holds it: `path` leads from leaf `index` to the root, in hexadecimal."""

    item: str
    line: str
    index: int
    path: tuple[str, ...]
    seal: Seal
    public_key: str

    def to_json(self) -> bytes:
        fields = {
            "format": FORMAT,
            **{name: getattr(self, name) for name in ("item", "line", "index", "path")},
            "seal": json.loads(self.seal.to_json()),
            "publicKey": self.public_key,
        }
        return (json.dumps(fields, indent=1) + "\n").encode()

    @property
    def leaf(self) -> Leaf:
        """Read the line; raise BadSeal if it is no leaf's."""
        return leaf_of(self.line)

    @classmethod
    def from_json(cls, content: bytes) -> Proof:
        """
        Read a proof file. Nothing of it is verified.

        Raises:
            BadProof: it is none.
        """
        if len(content) > MOST_BYTES:
            raise BadProof(f"it has more than {MOST_BYTES:,} bytes, as no proof has")
        fields = _object(content)
        if fields.get("format") != FORMAT:
            raise BadProof(f"its format is not {FORMAT}")
        item, line, public_key = (_text(fields, name) for name in ("item", "line", "publicKey"))
        return cls(item, line, _index(fields), _path(fields), _seal(fields), public_key)

    def verify(self, key: Verifier) -> Proved:
        """
        Verify each step, from the item to the signature.

        Raises:
            ProofFails: the message says which step.
        """
        leaf, item = self._leaf_of_item()
        statement = self._statement(key)
        self._require_among(statement)
        return Proved(item, leaf, self.index, statement, self.seal.digest.hex())

    def _leaf_of_item(self) -> tuple[Leaf, Item]:
        try:
            leaf = self.leaf
        except BadSeal as error:
            raise ProofFails("its line is none of a seal's") from error
        if sha256(self.item.encode()).hexdigest() != leaf.item_sha256:
            raise ProofFails("the item is not the one that was sealed: its SHA-256 is another one")
        item: Any = _loaded(self.item)
        named = [_string(item, name) for name in ("auditPosition", "orderId", "recordId")]
        if named != [leaf.position, leaf.order_id, leaf.record_id]:
            raise ProofFails("the line names another record than the item")
        return leaf, item

    def _statement(self, key: Verifier) -> Statement:
        if self.seal.algorithm != ALGORITHM:
            raise ProofFails(f"the seal's algorithm is not {ALGORITHM}")
        if not key.verify(self.seal.signature, self.seal.digest):
            raise ProofFails("the seal's signature is not this key's")
        try:
            return self.seal.statement
        except BadSeal as error:
            raise ProofFails("what was signed is no seal's statement") from error

    def _require_among(self, statement: Statement) -> None:
        path = [bytes.fromhex(each) for each in self.path]
        hashed = leaf_hash(self.line.encode())
        try:
            root = root_by_path(hashed, self.index, statement.leaves, path)
        except BadPath as error:
            raise ProofFails(f"the path does not lead to the seal's root: {error}") from error
        if root.hex() != statement.root:
            raise ProofFails("the path does not lead to the seal's root: the record is not in it")


def _object(content: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(content, object_pairs_hook=_unique)
    except RecursionError as error:
        raise BadProof("it is nested deeper than any proof") from error
    except ValueError as error:
        raise BadProof("it is no JSON, or was cut off") from error
    if not isinstance(fields, dict):
        raise BadProof("it is no JSON object")
    return fields


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a repeated name: another reader may take the other value."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise BadProof("it has a name twice")
    return fields


def _text(fields: dict[str, Any], name: str) -> str:
    text = fields.get(name)
    if not isinstance(text, str):
        raise BadProof(f"its {name} is no text")
    if not text.isascii():
        raise BadProof(f"its {name} is no ASCII")
    return text


def _index(fields: dict[str, Any]) -> int:
    index = fields.get("index")
    if type(index) is not int or index < 0:
        raise BadProof("its index is no number of a leaf")
    return index


def _path(fields: dict[str, Any]) -> tuple[str, ...]:
    path = fields.get("path")
    if not isinstance(path, list) or len(path) > MOST_STEPS or not all(map(_is_hash, path)):
        raise BadProof("its path is no list of SHA-256 digests")
    return tuple(path)


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and SHA256.fullmatch(value) is not None


def _seal(fields: dict[str, Any]) -> Seal:
    try:
        return Seal.from_json(json.dumps(fields.get("seal")).encode())
    except (BadSeal, RecursionError) as error:
        raise BadProof("its seal is none") from error


def _loaded(text: str) -> Any:
    """Read a text that was hashed; None if it is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _string(item: Any, name: str) -> Any:
    attribute = item.get(name) if isinstance(item, dict) else None
    return attribute.get("S") if isinstance(attribute, dict) else None
