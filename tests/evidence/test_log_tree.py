"""The Merkle tree against a naive copy of RFC 9162 section 2.1, to size 130, and all kinds of false proof."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.log.errors import LogError, MissingNode, OutsideTree, ProofRefused
from evidence.log.tree import (
    EMPTY_ROOT,
    Frontier,
    Node,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    read_root,
    root_nodes,
    verify_consistency,
    verify_inclusion,
)

LARGEST = 130
ENTRIES = [f"entry {i}".encode() for i in range(LARGEST)]

# The reference tree that Certificate Transparency's implementations test with: its entries and roots.
CT_ENTRIES = [
    bytes.fromhex(e)
    for e in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


# The definitions of RFC 9162 section 2.1, copied line by line and nothing else.


def split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


@cache
def mth(begin: int, end: int) -> bytes:
    if begin == end:
        return hashlib.sha256().digest()
    if end - begin == 1:
        return hashlib.sha256(b"\x00" + ENTRIES[begin]).digest()
    k = split(end - begin)
    return hashlib.sha256(b"\x01" + mth(begin, begin + k) + mth(begin + k, end)).digest()


def path(m: int, begin: int, end: int) -> list[bytes]:
    if end - begin == 1:
        return []
    k = split(end - begin)
    if m < k:
        return [*path(m, begin, begin + k), mth(begin + k, end)]
    return [*path(m - k, begin + k, end), mth(begin, begin + k)]


def subproof(m: int, begin: int, end: int, *, b: bool) -> list[bytes]:
    n = end - begin
    if m == n:
        return [] if b else [mth(begin, end)]
    k = split(n)
    if m <= k:
        return [*subproof(m, begin, begin + k, b=b), mth(begin + k, end)]
    return [*subproof(m - k, begin + k, end, b=False), mth(begin, begin + k)]


def read(nodes: Collection[Node]) -> Mapping[Node, bytes]:
    return {node: mth(node.index << node.level, (node.index + 1) << node.level) for node in nodes}


def flips(data: bytes) -> list[bytes]:
    """All texts that differ from this one in a single bit."""
    return [
        (int.from_bytes(data, "big") ^ (1 << bit)).to_bytes(len(data), "big") for bit in range(8 * len(data))
    ]


def accepts_inclusion(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> bool:
    try:
        verify_inclusion(leaf=leaf, index=index, size=size, proof=proof, root=root)
    except ProofRefused:
        return False
    return True


def accepts_consistency(old: tuple[int, bytes], new: tuple[int, bytes], proof: list[bytes]) -> bool:
    try:
        verify_consistency(old_size=old[0], old_root=old[1], new_size=new[0], new_root=new[1], proof=proof)
    except ProofRefused:
        return False
    return True


def test_published_roots_of_the_reference_tree() -> None:
    frontier = Frontier()
    assert frontier.root() == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for entry, root in zip(CT_ENTRIES, CT_ROOTS, strict=True):
        frontier.append(leaf_hash(entry))
        assert frontier.root().hex() == root


def test_published_paths_of_the_reference_tree() -> None:
    leaves = [leaf_hash(entry) for entry in CT_ENTRIES]
    # RFC 6962 section 2.1.3 draws this shape with seven leaves: the path of d6 is [i, k], of d3 [c, g, l].
    c, d, i = leaves[2], leaves[3], node_hash(leaves[4], leaves[5])
    g, h, l7 = node_hash(leaves[0], leaves[1]), node_hash(c, d), node_hash(i, leaves[6])
    root = node_hash(node_hash(g, h), l7)
    assert root.hex() == CT_ROOTS[6]
    verify_inclusion(leaf=leaves[6], index=6, size=7, proof=[i, node_hash(g, h)], root=root)
    verify_inclusion(leaf=d, index=3, size=7, proof=[c, g, l7], root=root)
    old = bytes.fromhex(CT_ROOTS[2])  # hash0 of the RFC's drawing: PROOF(3, D[7]) = [c, d, g, l]
    verify_consistency(old_size=3, old_root=old, new_size=7, new_root=root, proof=[c, d, g, l7])


def test_roots_of_all_sizes_by_three_roads() -> None:
    frontier = Frontier()
    for size in range(LARGEST + 1):
        assert (
            read_root(read, size=size)
            == mth(0, size)
            == frontier.root()
            == Frontier.of(read, size=size).root()
        )
        if size < LARGEST:
            frontier.append(leaf_hash(ENTRIES[size]))


def test_inclusion_of_every_leaf_in_every_tree() -> None:
    for size in range(1, LARGEST + 1):
        for index in range(size):
            proof = prove_inclusion(read, index=index, size=size)
            assert proof == path(index, 0, size)
            verify_inclusion(
                leaf=mth(index, index + 1), index=index, size=size, proof=proof, root=mth(0, size)
            )


def test_consistency_of_every_pair_of_trees() -> None:
    for new in range(LARGEST + 1):
        for old in range(new + 1):
            proof = prove_consistency(read, old_size=old, new_size=new)
            assert proof == (subproof(old, 0, new, b=True) if old else [])
            assert accepts_consistency((old, mth(0, old)), (new, mth(0, new)), proof)


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 2), (2, 3), (5, 8), (6, 7), (11, 13), (127, 130)])
def test_inclusion_refuses_every_flipped_bit(index: int, size: int) -> None:
    leaf, proof, root = mth(index, index + 1), path(index, 0, size), mth(0, size)
    assert not any(accepts_inclusion(leaf, index, size, proof, bad) for bad in flips(root))
    assert not any(accepts_inclusion(bad, index, size, proof, root) for bad in flips(leaf))
    for at, step in enumerate(proof):
        for bad in flips(step):
            assert not accepts_inclusion(leaf, index, size, [*proof[:at], bad, *proof[at + 1 :]], root)
    for bit in range(63):
        assert not accepts_inclusion(leaf, index ^ (1 << bit), size, proof, root)


def test_inclusion_refuses_every_other_index() -> None:
    for size in range(1, 66):
        for index in range(size):
            proof, leaf = path(index, 0, size), mth(index, index + 1)
            others = [other for other in range(-1, size + 2) if other != index]
            assert not any(accepts_inclusion(leaf, other, size, proof, mth(0, size)) for other in others)


def test_inclusion_binds_the_size_only_through_the_root() -> None:
    """The known property behind the rule to take sizes from signed checkpoints alone."""
    proof, leaf = path(0, 0, 130), mth(0, 1)
    assert [s for s in range(1, 600) if accepts_inclusion(leaf, 0, s, proof, mth(0, 130))] == [
        *range(129, 257)
    ]
    assert not any(accepts_inclusion(leaf, 0, s, proof, mth(0, s)) for s in range(1, 130))


@pytest.mark.parametrize(("old", "new"), [(1, 2), (3, 7), (4, 7), (6, 8), (8, 9), (64, 130), (127, 130)])
def test_consistency_refuses_every_flipped_bit(old: int, new: int) -> None:
    before, after, proof = (old, mth(0, old)), (new, mth(0, new)), subproof(old, 0, new, b=True)
    assert not any(accepts_consistency((old, bad), after, proof) for bad in flips(before[1]))
    assert not any(accepts_consistency(before, (new, bad), proof) for bad in flips(after[1]))
    for at, step in enumerate(proof):
        for bad in flips(step):
            assert not accepts_consistency(before, after, [*proof[:at], bad, *proof[at + 1 :]])


def test_proofs_refuse_a_missing_an_added_and_a_moved_hash() -> None:
    for size in (2, 7, 8, 64, 100, 130):
        root = mth(0, size)
        for index in {0, size // 2, size - 1}:
            leaf, proof = mth(index, index + 1), path(index, 0, size)
            changed = [proof[:-1], proof[1:], [*proof, root], [leaf, *proof], proof[::-1], [*proof, b""]]
            assert not any(accepts_inclusion(leaf, index, size, bad, root) for bad in changed if bad != proof)
        for old in {1, size // 2, size - 1}:
            proof = subproof(old, 0, size, b=True)
            changed = [proof[:-1], proof[1:], [*proof, root], [root, *proof], proof[::-1]]
            before, after = (old, mth(0, old)), (size, root)
            assert not any(accepts_consistency(before, after, bad) for bad in changed if bad != proof)
            assert not accepts_consistency(after, before, proof)


def test_consistency_refuses_what_needs_no_proof() -> None:
    one, two = mth(0, 1), mth(0, 2)
    assert not accepts_consistency((0, one), (2, two), [])  # an empty tree has one root
    assert not accepts_consistency((0, EMPTY_ROOT), (2, two), [one])
    assert not accepts_consistency((0, EMPTY_ROOT), (0, one), [])
    assert not accepts_consistency((2, one), (2, two), [])  # one size, two roots: a split view
    assert not accepts_consistency((1, one), (2, two), [])
    assert not accepts_consistency((0, EMPTY_ROOT), (2, b"short"), [])
    assert not accepts_consistency((-1, one), (2, two), [])


def test_provers_refuse_what_the_tree_has_not() -> None:
    with pytest.raises(OutsideTree):
        prove_inclusion(read, index=4, size=4)
    with pytest.raises(OutsideTree):
        prove_consistency(read, old_size=5, new_size=4)
    with pytest.raises(MissingNode):
        read_root(lambda _: {}, size=3)


def test_root_nodes_are_the_set_bits_of_the_size() -> None:
    assert root_nodes(0) == []
    assert root_nodes(13) == [Node(3, 0), Node(2, 2), Node(0, 12)]


@settings(max_examples=300, deadline=None)
@given(
    index=st.integers(-2, 2**64),
    size=st.integers(-2, 2**64),
    proof=st.lists(st.binary(max_size=33), max_size=70),
    root=st.binary(max_size=33),
)
def test_verifiers_only_raise_their_own_error(index: int, size: int, proof: list[bytes], root: bytes) -> None:
    with pytest.raises(LogError):
        verify_inclusion(leaf=bytes(32), index=index, size=size, proof=proof, root=root)
    if index != size and (index != 0 or root != EMPTY_ROOT):
        with pytest.raises(LogError):
            verify_consistency(old_size=index, old_root=root, new_size=size, new_root=bytes(32), proof=proof)
