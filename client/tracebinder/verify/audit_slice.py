"""The slice of the audit log in a binder: step 5.

Entries re-hash to leaves, leaves to both signed roots, and no stream of entries has a gap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from tracebinder.verify.bag import Bag
from tracebinder.verify.container import Container
from tracebinder.verify.encoding import decode_base64
from tracebinder.verify.errors import BinderFailed, BinderMalformed
from tracebinder.verify.merkle import RunningRoot, check_consistency, leaf_hash
from tracebinder.verify.note import CheckpointBody, parse_checkpoint, parse_note
from tracebinder.verify.strict_json import JsonObject, parse_object, text_at, texts_at, whole_at
from tracebinder.verify.trust import TrustedLog

ENTRIES: Final = "data/audit/entries.jsonl"
LEAVES: Final = "data/audit/leafhashes.bin"
CHECKPOINTS: Final = "data/audit/checkpoints.txt"
CONSISTENCY: Final = "data/audit/consistency.json"
_FILES: Final = frozenset({ENTRIES, LEAVES, CHECKPOINTS, CONSISTENCY})
_HASH: Final = 32  # bytes


@dataclass(frozen=True, slots=True)
class SliceResult:
    """How much of the log was re-hashed. A withheld entry keeps its place and its hash, not its text."""

    leaves: int
    entries: int
    withheld: int
    roots: dict[int, bytes]  # of the first leaves, at each size that was asked for
    note: bytes  # the last checkpoint, as signed


def has_slice(bag: Bag) -> bool:
    """Say whether the binder holds a slice of the log.

    Raises:
        BinderFailed: it holds a part of one only.
    """
    present = _FILES & set(bag.digests)
    if present and present != _FILES:
        raise BinderFailed(f"the slice of the log lacks {', '.join(sorted(_FILES - present))}")
    return bool(present)


def check_slice(container: Container, log: TrustedLog, *, sizes: Collection[int] = ()) -> SliceResult:
    """Check the whole slice against the two checkpoints in it, both signed by the trusted log key.

    Args:
        sizes: at which the root of the first leaves is asked for.

    Raises:
        BinderFailed: a leaf, a root, the proof or a stream's sequence does not hold.
        BinderMalformed: one of the files is not in the form of the format.
    """
    (first, _), (last, note) = _checkpoints(container, log)
    roots = _check_roots(container, first, last, sizes)
    path = _consistency_path(container, first, last)
    check_consistency(
        first_size=first.size, first_root=first.root, second_size=last.size, second_root=last.root, path=path
    )
    entries, withheld = _check_entries(container, last.size)
    return SliceResult(leaves=last.size, entries=entries, withheld=withheld, roots=roots, note=note)


def _checkpoints(container: Container, log: TrustedLog) -> list[tuple[CheckpointBody, bytes]]:
    parts = container.read(CHECKPOINTS).split(b"\n\n")
    if len(parts) != 4:
        raise BinderMalformed("must hold two signed notes, a blank line between", member=CHECKPOINTS)
    bodies = []
    for raw in (b"\n\n".join(parts[:2]) + b"\n", b"\n\n".join(parts[2:])):
        note = parse_note(raw, member=CHECKPOINTS)
        body = parse_checkpoint(note, member=CHECKPOINTS)
        if body.origin != log.origin or not log.signed(note, body.size):
            raise BinderFailed("a checkpoint is not signed by the trusted log", member=CHECKPOINTS)
        bodies.append((body, raw))
    return bodies


def _check_roots(
    container: Container, first: CheckpointBody, last: CheckpointBody, sizes: Collection[int]
) -> dict[int, bytes]:
    running = RunningRoot()
    checked_first = first.size == 0
    roots = {0: running.root()}
    for leaf in _leaves(container):
        running.append(leaf)
        if running.size == first.size:
            checked_first = running.root() == first.root
        if running.size in sizes:
            roots[running.size] = running.root()
    if running.size != last.size or running.root() != last.root or not checked_first:
        raise BinderFailed("the leaf hashes do not lead to the signed roots", member=LEAVES)
    return roots


def _leaves(container: Container) -> Iterator[bytes]:
    pending = b""
    for chunk in container.chunks(LEAVES):
        pending += chunk
        whole = len(pending) - len(pending) % _HASH
        for start in range(0, whole, _HASH):
            yield pending[start : start + _HASH]
        pending = pending[whole:]
    if pending:
        raise BinderMalformed("is not a whole number of 32-byte hashes", member=LEAVES)


def _consistency_path(container: Container, first: CheckpointBody, last: CheckpointBody) -> list[bytes]:
    value = parse_object(container.read(CONSISTENCY), member=CONSISTENCY)
    sizes = (whole_at(value, "first", member=CONSISTENCY), whole_at(value, "last", member=CONSISTENCY))
    path = texts_at(value, "path", member=CONSISTENCY)
    if sizes != (first.size, last.size):
        raise BinderFailed("is not about the two checkpoints", member=CONSISTENCY)
    return [decode_base64(text, member=CONSISTENCY, length=_HASH) for text in path]


def _check_entries(container: Container, size: int) -> tuple[int, int]:
    """Re-hash the disclosed entries, in log order in one pass; return how many there are and were withheld."""
    disclosed, withheld, streams = 0, 0, dict[str, int]()
    leaves, position = _leaves(container), -1
    for line in container.lines(ENTRIES):
        entry = parse_object(line, member=ENTRIES)
        index = whole_at(entry, "index", member=ENTRIES)
        if not position < index < size:
            raise BinderFailed(f"index {index} is out of order or outside the log", member=ENTRIES)
        leaf = b""
        while position < index:
            leaf, position = next(leaves), position + 1
        _check_stream(entry, streams)
        if "withheld" in entry and "entry" not in entry:
            withheld += 1
            continue
        raw = decode_base64(text_at(entry, "entry", member=ENTRIES), member=ENTRIES)
        if leaf_hash(raw) != leaf:
            raise BinderFailed(f"the entry at index {index} is not the one logged", member=ENTRIES)
        disclosed += 1
    return disclosed, withheld


def _check_stream(entry: JsonObject, streams: dict[str, int]) -> None:
    stream = text_at(entry, "stream", member=ENTRIES)
    sequence = whole_at(entry, "streamSeq", member=ENTRIES)
    expected = streams.get(stream, sequence - 1) + 1
    if sequence != expected:
        raise BinderFailed(f"stream {stream!r} jumps to {sequence}, {expected} was due", member=ENTRIES)
    streams[stream] = sequence
