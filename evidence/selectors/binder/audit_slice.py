"""The slice of the audit log: the system's entries, the hash of every leaf, two checkpoints, the proof between."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final

from evidence.binder.files import BinderFile, json_file, json_lines_file
from evidence.internals import internal_events
from evidence.log import tiles, tree
from evidence.models import Checkpoint, Leaf
from evidence.selectors.binder.scope import BinderScope
from evidence.selectors.binder.shapes import Shape, write_line
from evidence.selectors.log_proofs import read_leaf_hashes, read_stored_tiles

_HASHES_A_CHUNK: Final = 4096
_LEAVES_A_PAGE: Final = 2_000
_LEAF: Final = Shape({"index": "seq", "stream": "stream", "streamSeq": "stream_seq"})


def audit_files(scope: BinderScope) -> Iterator[BinderFile]:
    """Yield the four files of the slice; none when the log had not been signed at `as_of`.

    The slice runs from the first leaf to the last checkpoint signed by `as_of`, so that the leaf hashes alone
    lead to both signed roots. Entries about the inside of a model are withheld: their places and hashes stay.
    """
    last = last_checkpoint(scope)
    if last is None:
        return
    first = _first_checkpoint(scope, last)
    yield json_lines_file(
        "audit/entries.jsonl",
        lambda: _entries(scope, last.size),
        title="Audit log entries of the system / 审计日志条目",
        schema="audit-entry",
        population="audit-entries",
    )
    yield BinderFile(
        path="audit/leafhashes.bin",
        chunks=_leaf_hashes(last.size),
        media_type="application/octet-stream",
        title="Hash of every leaf of the log / 日志叶哈希",
    )
    notes = f"{first.note}\n{last.note}".encode()
    yield BinderFile(
        path="audit/checkpoints.txt",
        chunks=(notes,),
        media_type="text/plain",
        title="First and last signed checkpoint / 首末检查点",
    )
    yield json_file(
        "audit/consistency.json",
        _consistency(first.size, last.size),
        title="Proof that the log only grew / 一致性证明",
        schema="consistency",
    )


def last_checkpoint(scope: BinderScope) -> Checkpoint | None:
    """Return the last checkpoint that had been signed at `as_of`."""
    return Checkpoint.objects.filter(scope.as_of.knew("created_at"), size__gt=0).order_by("-size").first()


def _first_checkpoint(scope: BinderScope, last: Checkpoint) -> Checkpoint:
    """Return the last checkpoint before the period, or else the oldest there is."""
    signed = Checkpoint.objects.filter(size__gt=0, size__lte=last.size)
    before = signed.filter(created_at__lte=scope.period_from).order_by("-size").first()
    return before or signed.order_by("size").first() or last


def _entries(scope: BinderScope, size: int) -> Iterator[bytes]:
    leaves = Leaf.objects.filter(stream=scope.system.key, seq__lt=size).order_by("seq")
    rows = leaves.values_list("event_id", "event__entry", *_LEAF.columns)
    page = list(rows[:_LEAVES_A_PAGE])
    while page:
        withheld = internal_events([event for event, *_ in page])
        for event, entry, *values in page:
            leaf = _LEAF.document(values)
            if event in withheld:
                yield write_line({**leaf, "withheld": "internals"})
            else:
                yield write_line({**leaf, "entry": base64.b64encode(entry).decode()})
        page = list(rows.filter(seq__gt=leaf["index"])[:_LEAVES_A_PAGE])


def _leaf_hashes(size: int) -> Iterator[bytes]:
    for begin in range(0, size, _HASHES_A_CHUNK):
        yield b"".join(read_leaf_hashes(begin, min(begin + _HASHES_A_CHUNK, size)))


def _consistency(first: int, last: int) -> dict[str, object]:
    read = tiles.nodes_from_tiles(read_stored_tiles, size=last)
    path = tree.prove_consistency(read, old_size=first, new_size=last)
    return {"first": first, "last": last, "path": [base64.b64encode(node).decode() for node in path]}
