"""The Merkle tree against published vectors and the slow twin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maritime.sharing.merkle import (
    Frontier,
    consistency_path,
    extends,
    frontier,
    includes,
    inclusion_path,
    leaf_hash,
)
from tests import naive_merkle

# The test tree of Certificate Transparency (RFC 6962; google/certificate-transparency, transparency-dev/merkle)
LEAVES = [
    bytes.fromhex(each)
    for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
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
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def grown(leaves):
    """A tree with its complete nodes kept as a ledger keeps them: with the leaf that completes them."""
    tree, kept = Frontier(), {}
    for seq, leaf in enumerate(leaves):
        for level, node in enumerate(tree.add(leaf_hash(leaf))):
            kept[level, seq >> level] = node
    return tree, lambda level, index: kept[level, index]


def hexes(path):
    return [each.hex() for each in path]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_published(size):
    tree, node = grown(LEAVES[:size])
    assert tree.root().hex() == frontier(size, node).root().hex() == ROOTS[size]
    assert frontier(size, grown(LEAVES)[1]).root().hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_are_those_published(index, size):
    path = inclusion_path(index, size, grown(LEAVES)[1])
    assert hexes(path) == INCLUSION[index, size]
    assert includes(leaf_hash(LEAVES[index]), index, size, path, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("first", "second"), CONSISTENCY)
def test_consistency_proofs_are_those_published(first, second):
    path = consistency_path(first, second, grown(LEAVES)[1])
    assert hexes(path) == CONSISTENCY[first, second]
    assert extends(first, second, bytes.fromhex(ROOTS[first]), bytes.fromhex(ROOTS[second]), path)


def test_every_tree_of_up_to_40_leaves_is_as_the_definition_says():
    leaves = [bytes([each]) for each in range(40)]
    _, node = grown(leaves)
    roots = [naive_merkle.root(leaves[:size]) for size in range(41)]
    for size in range(1, 41):
        assert frontier(size, node).root() == roots[size]
        for index in range(size):
            path = inclusion_path(index, size, node)
            assert path == naive_merkle.path(index, leaves[:size])
            assert includes(leaf_hash(leaves[index]), index, size, path, roots[size])
        for first in range(1, size + 1):
            path = consistency_path(first, size, node)
            assert path == naive_merkle.proof(first, leaves[:size])
            assert extends(first, size, roots[first], roots[size], path)


@given(st.integers(1, 70), st.data())
def test_no_other_proof_is_believed(size, data):
    leaves = [each.to_bytes(2, "big") for each in range(size)]
    _, node = grown(leaves)
    root = naive_merkle.root(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(index, size, node)
    leaf = leaf_hash(leaves[index])
    assert not includes(leaf_hash(b"other"), index, size, path, root)
    assert not includes(leaf, size, size, path, root)
    assert not includes(leaf, -1, size, path, root)
    assert not includes(leaf, index, size, [*path, root], root)
    other = data.draw(st.integers(0, size - 1).filter(lambda each: each != index or size == 1))
    assert other == index or not includes(leaf, other, size, path, root)
    if path:
        spot = data.draw(st.integers(0, len(path) - 1))
        changed = [*path[:spot], bytes(32), *path[spot + 1 :]]
        assert not includes(leaf, index, size, changed, root)
        assert not includes(leaf, index, size, path[:-1], root)


@given(st.integers(1, 70), st.data())
def test_no_other_growth_is_believed(second, data):
    leaves = [each.to_bytes(2, "big") for each in range(second)]
    _, node = grown(leaves)
    first = data.draw(st.integers(1, second))
    older, newer = naive_merkle.root(leaves[:first]), naive_merkle.root(leaves)
    path = consistency_path(first, second, node)
    changed = data.draw(st.integers(0, first - 1))
    rewritten = [*leaves[:changed], b"rewritten", *leaves[changed + 1 :]]
    _, other_node = grown(rewritten)
    assert not extends(first, second, older, naive_merkle.root(rewritten), path)
    assert not extends(first, second, older, naive_merkle.root(rewritten), consistency_path(first, second, other_node))
    assert not extends(first, second, older, newer, [*path, bytes(32)])
    assert first == second or not extends(second, first, newer, older, path)
    if path:
        assert not extends(first, second, older, newer, path[:-1])
        assert not extends(first, second, older, newer, [])


def test_any_tree_grows_from_the_empty_one():
    empty = naive_merkle.root([])
    assert extends(0, 3, empty, naive_merkle.root(LEAVES[:3]), [])
    assert not extends(0, 3, bytes(32), naive_merkle.root(LEAVES[:3]), [])
