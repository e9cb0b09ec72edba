"""The Merkle tree of RFC 9162 section 2.1 (the same as RFC 6962's), with SHA-256.

A tree is named by its size; its perfect subtrees are named by `Node(level, index)`, which stands for
`MTH(D[index * 2^level : (index + 1) * 2^level])`. Every root and every proof is a fold of such nodes, so
what a proof needs is known before anything is read: storage is asked once, for all of them (`ReadNodes`).

Provers follow the recursive definitions (2.1.1, 2.1.3.1, 2.1.4.1), verifiers the iterative algorithms
(2.1.3.2, 2.1.4.2), and `Frontier` adds leaf by leaf: three roads to one root, each a check of the others.

Warning: an inclusion path also verifies under other sizes of the same shape (for index 0, all of 129-256).
Take the size from a signed checkpoint and from nowhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from evidence.log.errors import MissingNode, OutsideTree, ProofRefused

HASH_SIZE: Final = 32  # bytes of a SHA-256
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()  # MTH({}), RFC 9162 section 2.1.1


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """The perfect subtree over the leaves `index * 2^level` up to, not including, `(index + 1) * 2^level`."""

    level: int  # 0 is a leaf
    index: int  # from 0, left to right


ReadNodes: TypeAlias = Callable[[Collection[Node]], Mapping[Node, bytes]]
"""Gives the 32-byte hash of every node asked for. May raise `MissingNode`."""


def leaf_hash(entry: bytes) -> bytes:
    """Return `SHA-256(0x00 || entry)`, the 32-byte hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return `SHA-256(0x01 || left || right)`, the 32-byte hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_nodes(size: int) -> list[Node]:
    """Return the perfect subtrees that make up the tree of this size, left to right; none if it is empty."""
    return _range_nodes(0, size)


def read_root(read: ReadNodes, *, size: int) -> bytes:
    """Return the 32-byte root of the tree of this size, from stored nodes."""
    if size == 0:
        return EMPTY_ROOT
    return _fold_ranges(read, [_range_nodes(0, size)])[0]


def prove_inclusion(read: ReadNodes, *, index: int, size: int) -> list[bytes]:
    """Return the audit path of a leaf, from its sibling up to the root's child (RFC 9162 section 2.1.3.1).

    Raises:
        OutsideTree: the tree of this size has no such leaf.
    """
    if not 0 <= index < size:
        raise OutsideTree(f"no leaf {index} in a tree of {size}")
    return _fold_ranges(read, [_range_nodes(*part) for part in _path_ranges(index, 0, size)])


def prove_consistency(read: ReadNodes, *, old_size: int, new_size: int) -> list[bytes]:
    """Return the proof that the tree of `old_size` is a prefix of the one of `new_size` (section 2.1.4.1).

    Empty where the old tree is empty or the sizes are equal.

    Raises:
        OutsideTree: the old size is negative or the larger of the two.
    """
    if not 0 <= old_size <= new_size:
        raise OutsideTree(f"a tree of {old_size} is no prefix of a tree of {new_size}")
    if old_size == 0:
        return []
    return _fold_ranges(
        read, [_range_nodes(*part) for part in _subproof_ranges(old_size, 0, new_size, whole=True)]
    )


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf is in the tree with this root, by RFC 9162 section 2.1.3.2.

    Args:
        leaf: the 32-byte leaf hash.
        size: the tree size, taken from the signed checkpoint that also gave `root`.

    Raises:
        ProofRefused: it does not lead to the root, or is longer, shorter or malformed.
    """
    _require_hashes([leaf, root, *proof])
    if not 0 <= index < size:
        raise ProofRefused(f"no leaf {index} in a tree of {size}")
    position, last, result = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise ProofRefused("the proof is too long for the tree")
        if position & 1 or position == last:
            result = node_hash(step, result)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            result = node_hash(result, step)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise ProofRefused("the proof is too short for the tree")
    if result != root:
        raise ProofRefused("the proof does not lead to the root")


def verify_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the old tree is a prefix of the new one, by RFC 9162 section 2.1.4.2.

    An empty old tree is a prefix of every tree: its proof is empty and its root is `EMPTY_ROOT`.

    Raises:
        ProofRefused: the proof does not lead to both roots, or is longer, shorter or malformed.
    """
    _require_hashes(proof)
    if not 0 <= old_size <= new_size:
        raise ProofRefused(f"a tree of {old_size} is no prefix of a tree of {new_size}")
    if old_size in (0, new_size):
        if proof:
            raise ProofRefused("the proof is too long for the trees")
        _require_trivial(old_size, old_root, new_size, new_root)
        return
    _require_hashes([old_root, new_root])
    if _consistency_roots(old_size, old_root, new_size, proof) != (old_root, new_root):
        raise ProofRefused("the proof does not lead to both roots")


@dataclass(slots=True)
class Frontier:
    """The right edge of a growing tree: all that is needed to add leaves and to know the root.

    Memory is one hash per set bit of the size. This is the second road to a root: it never sees a tile.
    """

    size: int = 0  # leaves so far
    hashes: list[bytes] = field(default_factory=list)  # those of `root_nodes(size)`, left to right

    @classmethod
    def of(cls, read: ReadNodes, *, size: int) -> Frontier:
        """Return the frontier of a stored tree. Compare its `root()` with a signed one before use."""
        nodes = root_nodes(size)
        found = read(nodes)
        return cls(size=size, hashes=[_take(found, node) for node in nodes])

    def append(self, leaf: bytes) -> None:
        """Add one 32-byte leaf hash."""
        merged, bits = leaf, self.size
        while bits & 1:
            merged = node_hash(self.hashes.pop(), merged)
            bits >>= 1
        self.hashes.append(merged)
        self.size += 1

    def root(self) -> bytes:
        """Return the 32-byte root of the tree so far."""
        return _fold(self.hashes) if self.hashes else EMPTY_ROOT


def _require_trivial(old_size: int, old_root: bytes, new_size: int, new_root: bytes) -> None:
    """Refuse roots that need no proof to be wrong: of an empty old tree, or of two trees of one size."""
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise ProofRefused("the old root is not that of the empty tree")
    if old_size != new_size:
        _require_hashes([new_root])
    elif old_root != new_root:
        raise ProofRefused("two trees of one size have different roots")


def _consistency_roots(
    old_size: int, old_root: bytes, new_size: int, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """Return the old and new roots that a proof leads to: steps 2 to 6 of RFC 9162 section 2.1.4.2."""
    if not proof:
        raise ProofRefused("the proof is too short for the trees")
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            raise ProofRefused("the proof is too long for the trees")
        if position & 1 or position == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, step)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise ProofRefused("the proof is too short for the trees")
    return old, new


def _split(count: int) -> int:
    """Return the largest power of two smaller than `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _path_ranges(index: int, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the leaf ranges whose hashes are PATH(index, D[begin:end]), leaf first."""
    if end - begin == 1:
        return
    middle = begin + _split(end - begin)
    if index < middle:
        yield from _path_ranges(index, begin, middle)
        yield middle, end
    else:
        yield from _path_ranges(index, middle, end)
        yield begin, middle


def _subproof_ranges(old_end: int, begin: int, end: int, *, whole: bool) -> Iterator[tuple[int, int]]:
    """Yield the leaf ranges whose hashes are SUBPROOF(old_end - begin, D[begin:end], whole)."""
    if old_end == end:
        if not whole:
            yield begin, end
        return
    middle = begin + _split(end - begin)
    if old_end <= middle:
        yield from _subproof_ranges(old_end, begin, middle, whole=whole)
        yield middle, end
    else:
        yield from _subproof_ranges(old_end, middle, end, whole=False)
        yield begin, middle


def _range_nodes(begin: int, end: int) -> list[Node]:
    """Return the perfect subtrees of one range of the tree, left to right.

    Every range that the recursive definitions name starts at a multiple of the size of its first subtree.
    """
    nodes: list[Node] = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        nodes.append(Node(level, begin >> level))
        begin += 1 << level
    return nodes


def _fold_ranges(read: ReadNodes, ranges: Sequence[Sequence[Node]]) -> list[bytes]:
    """Return the hash of each range, after one reading of all their nodes."""
    found = read([node for nodes in ranges for node in nodes])
    return [_fold([_take(found, node) for node in nodes]) for nodes in ranges]


def _fold(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over perfect subtrees given left to right, each smaller than the one before it."""
    result = hashes[-1]
    for left in reversed(hashes[:-1]):
        result = node_hash(left, result)
    return result


def _take(found: Mapping[Node, bytes], node: Node) -> bytes:
    if node not in found:
        raise MissingNode(f"the storage gives no node {node.index} at level {node.level}")
    return found[node]


def _require_hashes(values: Sequence[bytes]) -> None:
    if any(len(value) != HASH_SIZE for value in values):
        raise ProofRefused(f"every hash must have {HASH_SIZE} bytes")


def root_of_set(leaves: bytes | bytearray) -> bytes:
    """Return the 32-byte root over leaf hashes that have no order of their own: in the order of their bytes.

    Args:
        leaves: 32 bytes each, one after the other.
    """
    frontier = Frontier()
    for leaf in sorted(
        bytes(leaves[start : start + HASH_SIZE]) for start in range(0, len(leaves), HASH_SIZE)
    ):
        frontier.append(leaf)
    return frontier.root()
