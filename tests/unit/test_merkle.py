"""The trees of RFC 9162 (6962): by the published vectors of Certificate Transparency."""

import pytest

from chalicelib.services.merkle import (
    EMPTY_ROOT,
    BadPath,
    leaf_hash,
    node_hash,
    path_of,
    root_by_path,
    root_of,
)

# The vectors that implementations of RFC 6962 share: Google's certificate-transparency (C++, Go),
# Trillian, transparency-dev/merkle.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        *("", "00", "10", "2021", "3031", "40414243"),
        *("5051525354555657", "606162636465666768696a6b6c6d6e6f"),
    )
]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
# (the leaf's index, the tree's size): its path.
PATHS = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def hashes(size: int) -> list[bytes]:
    return [leaf_hash(content) for content in LEAVES[:size]]


@pytest.mark.parametrize("size", ROOTS)
def test_the_root_is_the_published_one(size: int) -> None:
    assert root_of(hashes(size)).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), PATHS)
def test_the_path_of_a_leaf_is_the_published_one(index: int, size: int) -> None:
    path = path_of(hashes(size), index)

    assert [node.hex() for node in path] == PATHS[index, size]
    assert root_by_path(leaf_hash(LEAVES[index]), index, size, path).hex() == ROOTS[size]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert EMPTY_ROOT.hex() == ROOTS[0]


def test_a_node_cannot_be_shown_as_a_leaf() -> None:
    left, right = hashes(2)

    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [(0, 0, []), (-1, 8, []), (8, 8, []), (0, 2, []), (0, 1, [EMPTY_ROOT]), (2, 3, 2 * [b""])],
)
def test_a_path_of_another_tree_is_refused(index: int, size: int, path: list[bytes]) -> None:
    with pytest.raises(BadPath):
        root_by_path(EMPTY_ROOT, index, size, path)
