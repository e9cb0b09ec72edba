"""The Merkle tree of RFC 9162, verifier's side: leaf hashes, roots, inclusion and consistency proofs.

Source: RFC 9162 sections 2.1.1, 2.1.3.2 and 2.1.4.2. Written from the RFC; it shares no code with any server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from tracebinder.verify.errors import BinderFailed


def leaf_hash(entry: bytes) -> bytes:
    """Return the 32-byte hash of one log entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32-byte hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class RunningRoot:
    """The root of a growing list of leaf hashes, in memory of log2(n) hashes."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[tuple[int, bytes]] = []  # (height, hash) of perfect subtrees, left to right

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the right end."""
        height, current = 0, leaf
        while self._peaks and self._peaks[-1][0] == height:
            current = node_hash(self._peaks.pop()[1], current)
            height += 1
        self._peaks.append((height, current))
        self.size += 1

    def root(self) -> bytes:
        """Return the root over the leaves so far; of none, the hash of nothing."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        current = self._peaks[-1][1]
        for _, peak in reversed(self._peaks[:-1]):
            current = node_hash(peak, current)
        return current


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    running = RunningRoot()
    for leaf in leaves:
        running.append(leaf)
    return running.root()


def check_inclusion(*, leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Check that `leaf` is at `index` in the tree of `size` leaves with this `root` (RFC 9162, 2.1.3.2).

    `size` and `root` must come from a signed checkpoint: a path alone verifies under many sizes.

    Raises:
        BinderFailed: it is not.
    """
    if not 0 <= index < size:
        raise BinderFailed(f"the proof's index {index} is outside a tree of {size} leaves")
    first, last, current = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise BinderFailed("the inclusion proof has too many hashes")
        if first & 1 or first == last:
            current = node_hash(sibling, current)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        first, last = first >> 1, last >> 1
    if last != 0:
        raise BinderFailed("the inclusion proof has too few hashes")
    if current != root:
        raise BinderFailed("the inclusion proof does not lead to the signed root")


def check_consistency(
    *, first_size: int, first_root: bytes, second_size: int, second_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the tree of `second_size` leaves only added to that of `first_size` (RFC 9162, 2.1.4.2).

    Raises:
        BinderFailed: it did not, or the proof does not show it.
    """
    if first_size > second_size:
        raise BinderFailed(f"the log shrank from {first_size} to {second_size} leaves")
    if first_size in {0, second_size}:
        if path or (first_size == second_size and first_root != second_root):
            raise BinderFailed("two checkpoints of one size differ, or carry a proof none is needed for")
        return
    _check_growth(first_size, first_root, second_size, second_root, path)


def _check_growth(
    first_size: int, first_root: bytes, second_size: int, second_root: bytes, path: Sequence[bytes]
) -> None:
    hashes = list(path)
    if first_size & (first_size - 1) == 0:
        hashes.insert(0, first_root)
    if not hashes:
        raise BinderFailed("the consistency proof is empty")
    first, last = first_size - 1, second_size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise BinderFailed("the consistency proof has too many hashes")
        if first & 1 or first == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        first, last = first >> 1, last >> 1
    if last != 0 or old != first_root or new != second_root:
        raise BinderFailed("the consistency proof does not lead from the first root to the second")
