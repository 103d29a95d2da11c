"""
Leaves: the items of the table as a seal has them, each by the SHA-256 of its content.

The leaves of a seal stand in the order of their positions. They are kept as lines, in chunks of one
object each, so that nobody ever holds more than one chunk.
"""

import json
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from chalicelib.services.merkle import leaf_hash, root_of

# A power of two: each full chunk is a whole subtree, so its root is a node of the day's tree. An
# object of so many has 1.5 MB.
CHUNK_LEAVES = 8_192
DAY_CHARACTERS = len("2026-01-31")
# The operators' entries of a day have it, and the day, as their orderId. No order can have such.
ENTRIES_PREFIX = "#audit/"
# Sorted keys, no spaces, ASCII: one text for one value, so that its hash can be compared.
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class BadSeal(ValueError):
    """A content is no seal, no statement or no chunk: something else made it, or changed it."""


# The position, orderId and recordId of a leaf.
Place = tuple[str, str, str]


class Leaf(NamedTuple):
    """
    An item of the table, by the SHA-256 of its content. Leaves sort by their positions.

    A position begins with the time: a record's is its place in the audit, an operators' entry's is
    its recordId.
    """

    position: str
    order_id: str
    record_id: str
    item_sha256: str

    @property
    def line(self) -> str:
        """The leaf as a JSON array in ASCII, without a line break: exactly what is hashed."""
        return CANONICAL.encode(self)

    @property
    def name(self) -> Place:
        """The item that the leaf stands for, whatever it holds."""
        return self[:3]

    @property
    def is_entry(self) -> bool:
        """Tell an operators' entry from a record."""
        return self.order_id.startswith(ENTRIES_PREFIX)

    def is_late_on(self, day: date) -> bool:
        """Tell whether the seal of this day has the leaf for an earlier one, as its time says."""
        return self.position[:DAY_CHARACTERS] < day.isoformat()


class Chunk(NamedTuple):
    """Some leaves of a seal: `CHUNK_LEAVES`, or the rest. `first` and `last` are positions."""

    root: str
    leaves: int
    first: str
    last: str


def root_of_chunks(chunks: Iterable[Chunk]) -> str:
    """Return the root of the tree over all leaves of these chunks, in hexadecimal digits."""
    return root_of([bytes.fromhex(chunk.root) for chunk in chunks]).hex()


def hashes_of(lines: Iterable[str]) -> list[bytes]:
    """Hash lines as the leaves of a tree."""
    return [leaf_hash(line.encode("ascii")) for line in lines]


def chunk_of(leaves: list[Leaf]) -> tuple[Chunk, bytes]:
    """Make a chunk of leaves, and the content of its object: a line feed ends each line."""
    lines = [leaf.line for leaf in leaves]
    root = root_of(hashes_of(lines)).hex()
    chunk = Chunk(root, len(lines), leaves[0].position, leaves[-1].position)
    return chunk, "".join(f"{line}\n" for line in lines).encode("ascii")


def lines_of(chunk: Chunk, content: bytes) -> list[str]:
    """
    Read the lines of a chunk from its object's content.

    Raises:
        BadSeal: they are others than the chunk's.
    """
    try:
        lines = content.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise BadSeal("the chunk is no ASCII") from error
    if lines.pop() or len(lines) != chunk.leaves or root_of(hashes_of(lines)).hex() != chunk.root:
        raise BadSeal("the chunk has other lines than its seal says")
    return lines


def leaf_of(line: str) -> Leaf:
    """
    Read the leaf of a line.

    Raises:
        BadSeal: it is no leaf's.
    """
    try:
        leaf = Leaf(*json.loads(line))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadSeal("the line is no leaf") from error
    if any(type(part) is not str for part in leaf) or leaf.line != line:
        raise BadSeal("the line is no leaf")
    return leaf
