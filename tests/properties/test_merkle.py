"""Trees of any size: the root is RFC 9162's, and only the leaf at its place leads there."""

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.services.merkle import (
    EMPTY_ROOT,
    leaf_hash,
    node_hash,
    path_of,
    root_by_path,
    root_of,
)

contents = st.lists(st.binary(max_size=8), min_size=1, max_size=70)
chunk_sizes = st.sampled_from([1, 2, 4, 8, 16])


def root_as_defined(hashes: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, as it is written: MTH, recursively."""
    if len(hashes) <= 1:
        return hashes[0] if hashes else EMPTY_ROOT
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(root_as_defined(hashes[:split]), root_as_defined(hashes[split:]))


def in_chunks(hashes: list[bytes], size: int) -> list[list[bytes]]:
    return [hashes[start : start + size] for start in range(0, len(hashes), size)]


@given(contents, chunk_sizes)
def test_the_root_over_chunks_is_the_root_that_the_rfc_defines(
    content: list[bytes], chunk_size: int
) -> None:
    hashes = [leaf_hash(each) for each in content]

    chunks = in_chunks(hashes, chunk_size)

    assert root_of([root_of(chunk) for chunk in chunks]) == root_as_defined(hashes)


@given(contents, chunk_sizes, st.data())
def test_a_path_in_the_chunk_and_one_among_the_chunks_lead_to_the_root(
    content: list[bytes], chunk_size: int, data: st.DataObject
) -> None:
    hashes = [leaf_hash(each) for each in content]
    index = data.draw(st.integers(0, len(hashes) - 1))
    chunks = in_chunks(hashes, chunk_size)

    of_chunk, in_chunk = divmod(index, chunk_size)
    path = path_of(chunks[of_chunk], in_chunk)
    path += path_of([root_of(chunk) for chunk in chunks], of_chunk)

    assert path == path_of(hashes, index)
    assert root_by_path(hashes[index], index, len(hashes), path) == root_as_defined(hashes)


@given(contents, st.data())
def test_an_altered_leaf_or_path_leads_to_another_root(
    content: list[bytes], data: st.DataObject
) -> None:
    hashes = [leaf_hash(each) for each in content]
    index = data.draw(st.integers(0, len(hashes) - 1))
    shown = [hashes[index], *path_of(hashes, index)]
    altered = data.draw(st.integers(0, len(shown) - 1))
    bit = 1 << data.draw(st.integers(0, 255))

    shown[altered] = (int.from_bytes(shown[altered]) ^ bit).to_bytes(32)

    assert root_by_path(shown[0], index, len(hashes), shown[1:]) != root_of(hashes)
