"""Checkpoints that the person who verifies has kept: the smallest witness there is.

A log whose end was cut off, or that was written anew under a stolen key, looks whole by itself. Whoever kept one of its
checkpoints sees it: each kept one must be in the log of every binder that is verified later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from tracebinder.durable import replace_text
from tracebinder.verify.errors import BinderFailed, BinderMalformed
from tracebinder.verify.note import CheckpointBody, parse_checkpoint, parse_note
from tracebinder.verify.strict_json import JsonObject, objects_at, parse_object, text_at, time_at
from tracebinder.verify.trust import TrustedLog

KEPT_FORMAT: Final = "tracebinder.checkpoints/1"
_MEMBER: Final = "kept checkpoints"
_CLOCKS: Final = timedelta(minutes=5)  # by which two machines' clocks may differ


@dataclass(frozen=True, slots=True)
class KeptHead:
    """One checkpoint of the log, and when it was seen here first."""

    note: str  # as signed
    size: int  # leaves
    root: bytes  # 32 bytes
    seen_at: datetime
    where: str = "kept"  # how to name it: "kept", or which binder it is from

    def __str__(self) -> str:
        return f"{self.size} leaves with the root {self.root.hex()}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many of the kept checkpoints are in a binder's log, and how many nobody can tell of offline."""

    found: int
    untold: int


def load_kept(path: Path, log: TrustedLog) -> list[KeptHead]:
    """Return the checkpoints that a file holds, each signed by the trusted log.

    Raises:
        BinderMalformed: it cannot be read, or is no file of kept checkpoints.
        BinderFailed: one of them is not signed by the log that the trust file names, or two contradict each other.
    """
    try:
        value = parse_object(path.read_bytes(), member=_MEMBER)
    except OSError as exc:
        raise BinderMalformed(f"{path} cannot be read: {exc.strerror or exc}", member=_MEMBER) from exc
    if set(value) != {"format", "checkpoints"} or value["format"] != KEPT_FORMAT:
        raise BinderMalformed(f"{path} is no file of kept checkpoints ({KEPT_FORMAT})", member=_MEMBER)
    heads: list[KeptHead] = []
    for entry in objects_at(value, "checkpoints", member=_MEMBER):
        heads = add_head(heads, _head_of(entry, log))
    return heads


def save_kept(path: Path, heads: Iterable[KeptHead]) -> None:
    """Write the file anew, whole or not at all. Raises `OSError` where it cannot be written."""
    entries = [{"note": head.note, "seenAt": head.seen_at.isoformat()} for head in heads]
    replace_text(path, json.dumps({"format": KEPT_FORMAT, "checkpoints": entries}, indent=1) + "\n")


def open_head(note: str, log: TrustedLog, *, seen_at: datetime, where: str = "kept") -> KeptHead:
    """Return the checkpoint that a note signs.

    Raises:
        BinderMalformed: it is no signed checkpoint.
        BinderFailed: it is another log's, or not signed by the trusted key.
    """
    signed = parse_note(note.encode(), member=_MEMBER)
    body = parse_checkpoint(signed, member=_MEMBER)
    if body.origin != log.origin:
        raise BinderFailed(f"a checkpoint is of {body.origin!r}, not {log.origin!r}", member=_MEMBER)
    if not log.signed(signed, body.size):
        raise BinderFailed(f"a checkpoint of {body.size} leaves is not signed by the log", member=_MEMBER)
    return KeptHead(note, body.size, body.root, seen_at, where)


def add_head(heads: Sequence[KeptHead], new: KeptHead) -> list[KeptHead]:
    """Return the checkpoints with one more, by size; one that is known already stays as it was seen first.

    Raises:
        BinderFailed: another one of the same size is kept: the log has shown two histories.
    """
    for head in heads:
        if head.size == new.size and head.root != new.root:
            raise BinderFailed(f"the log forked: {new}, but {head} was kept", member=_MEMBER)
    if any(head.size == new.size for head in heads):
        return list(heads)
    return sorted([*heads, new], key=lambda head: head.size)


def compare_kept(
    kept: Iterable[KeptHead], *, roots: dict[int, bytes], proof: CheckpointBody, as_of: datetime
) -> Comparison:
    """Check that a binder's log continues every checkpoint that was kept.

    Args:
        roots: of the binder's leaves, at each kept size that they reach.
        proof: the checkpoint under which the export was logged; it has as many leaves or more.
        as_of: of the binder, by the server's clock.

    Raises:
        BinderFailed: it does not; the sizes and roots of both are named.
    """
    found = untold = 0
    for head in kept:
        root = proof.root if head.size == proof.size else roots.get(head.size)
        if root is not None and root != head.root:
            raise BinderFailed(
                f"the log is not the one that was {head.where}: its first {head.size} leaves have the root "
                f"{root.hex()}, but {head} were {head.where}"
            )
        if head.size > proof.size and as_of > head.seen_at + _CLOCKS:
            raise BinderFailed(
                f"the log shrank: {proof.size} leaves with the root {proof.root.hex()} as of {as_of.isoformat()}, "
                f"but {head} were {head.where} before that, on {head.seen_at.isoformat()}"
            )
        found, untold = found + (root is not None), untold + (root is None)
    return Comparison(found, untold)


def _head_of(entry: JsonObject, log: TrustedLog) -> KeptHead:
    if set(entry) != {"note", "seenAt"}:
        raise BinderMalformed("a kept checkpoint has a 'note' and 'seenAt', and nothing else", member=_MEMBER)
    seen_at = time_at(entry, "seenAt", member=_MEMBER).astimezone(timezone.utc)
    return open_head(text_at(entry, "note", member=_MEMBER), log, seen_at=seen_at)
