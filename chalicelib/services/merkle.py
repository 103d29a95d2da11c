"""
Merkle trees as RFC 9162 has them (section 2.1; the same as RFC 6962's), over SHA-256.

A tree of n leaves is split at the largest power of two below n. Built from below, that is: each two
neighbours have a parent, and one that is left over goes up as it is. So a tree whose leaves are
kept in chunks of 2^k is the tree over the chunks' roots: nobody needs more than one chunk at once.
"""

from collections.abc import Sequence
from hashlib import sha256

# The prefixes tell a leaf from a node: else a node's content could be shown as a leaf.
LEAF_PREFIX = b"\x00"
NODE_PREFIX = b"\x01"
EMPTY_ROOT = sha256().digest()


class BadPath(ValueError):
    """A path is none of a leaf at this place in a tree of this size."""


def leaf_hash(content: bytes) -> bytes:
    """Hash the content of a leaf."""
    return sha256(LEAF_PREFIX + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash a node from the hashes of the two below it."""
    return sha256(NODE_PREFIX + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaves by their hashes, or over the roots of equal chunks of 2^k."""
    if not hashes:
        return EMPTY_ROOT
    level = hashes
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def path_of(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """
    Return the path of a leaf: the hashes that lead from it to the root, the nearest first.

    A leaf's path in a tree of chunks is its path in its chunk, then its chunk's among the chunks.
    """
    path = []
    level = hashes
    while len(level) > 1:
        neighbour = index ^ 1
        if neighbour < len(level):
            path.append(level[neighbour])
        level, index = _parents(level), index // 2
    return path


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """
    Return the root that a path leads to, from the hash of leaf `index` in a tree of `size` leaves.

    Whoever knows the root compares: only the tree's own leaf at its own place leads there.

    Raises:
        BadPath: such a tree has no such leaf, or its path is of another length.
    """
    if not 0 <= index < size:
        raise BadPath(f"a tree of {size} leaves has no leaf {index}")
    left_over = list(reversed(path))
    node = leaf
    while size > 1:
        if index ^ 1 < size:
            if not left_over:
                raise BadPath("the path is too short")
            neighbour = left_over.pop()
            node = node_hash(neighbour, node) if index % 2 else node_hash(node, neighbour)
        index, size = index // 2, (size + 1) // 2
    if left_over:
        raise BadPath("the path is too long")
    return node


def _parents(level: Sequence[bytes]) -> list[bytes]:
    parents = [
        sha256(NODE_PREFIX + left + right).digest()
        for left, right in zip(level[::2], level[1::2], strict=False)
    ]
    if len(level) % 2:
        parents.append(level[-1])
    return parents
