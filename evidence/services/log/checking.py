"""The whole log, checked against itself: every entry, leaf, tile and checkpoint, from the tables alone.

Roots are computed from the events' own bytes, leaf by leaf, and never from tiles; tiles are then compared
with what those leaves make of them. Reads everything once, holds one level of tile roots in memory (32 bytes
for each 256 leaves), writes nothing, and goes on after a fault so that the report names them all.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Max

from evidence.log import notes, tiles, tree
from evidence.log.errors import LogError
from evidence.models.audit import AuditEvent, AuditPayload, Checkpoint, Leaf, Tile
from evidence.services.blob_checks import check_blobs
from evidence.services.keys.log_signer import load_log_verifier
from evidence.services.log.attestation_faults import find_attestation_faults
from evidence.services.log.errors import LogForked
from evidence.services.log.published import open_published, read_published
from evidence.services.log.rows import RowReport, check_rows

MAX_FAULTS: Final = 100  # named in a report; further ones are only counted
_READ_CHUNK: Final = 2_000  # rows held in memory


@dataclass(slots=True)
class LogReport:
    """What a check of the log found."""

    size: int = 0  # leaves
    root: str = ""  # of all leaves, hexadecimal, computed from the entries
    checkpoints: int = 0
    tiles: int = 0
    unsigned: int = 0  # leaves after the last checkpoint
    unsequenced: int = 0  # events without a leaf; the sequencer will come to them
    erased: int = 0  # events whose payload and salt were erased: their entries still verify
    rows: RowReport = field(default_factory=RowReport)
    n_faults: int = 0
    faults: list[str] = field(default_factory=list)  # the first `MAX_FAULTS`, each a sentence

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts anything."""
        return self.n_faults == 0

    def add(self, fault: str) -> None:
        """Note one fault."""
        self.n_faults += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)


def check_log(*, known: Sequence[notes.Checkpoint] = ()) -> LogReport:
    """Check the log and return what was found.

    Args:
        known: checkpoints that somebody kept outside, already verified: each must be a prefix of this log, as the
            head last published must. Without any, nobody can tell a log whose end was cut off before the last
            checkpoint from a shorter log.
    """
    report = LogReport()
    heads = _check_notes(report)
    for fault in find_attestation_faults():
        report.add(fault)
    expected: dict[int, list[tuple[str, bytes]]] = {}
    for name, head in [
        *(("the stored checkpoint", h) for h in heads),
        *(("the head last published", h) for h in _read_published(report)),
        *(("the known checkpoint", h) for h in known),
    ]:
        expected.setdefault(head.size, []).append((name, head.root))
    _check_leaves(report, expected)
    _check_tiles(report, [head.size for head in heads])
    _check_payloads(report)
    _check_blobs(report)
    report.rows = check_rows(report)
    signed = max((head.size for head in heads), default=0)
    report.unsigned = max(0, report.size - signed)
    report.unsequenced = AuditEvent.objects.filter(leaf__isnull=True).count()
    return report


def _check_notes(report: LogReport) -> list[notes.Checkpoint]:
    """Open every stored checkpoint with the log's key; return those that hold."""
    key = load_log_verifier()
    heads = []
    for row in Checkpoint.objects.order_by("size").iterator(_READ_CHUNK):
        report.checkpoints += 1
        try:
            head = notes.open_checkpoint(row.note, key=key, origin=settings.LOG_ORIGIN)
        except LogError as exc:
            report.add(f"Checkpoint {row.size}: {exc}.")
            continue
        if (head.size, head.root) != (row.size, bytes(row.root)):
            report.add(f"Checkpoint {row.size}: the row does not say what its note says.")
        heads.append(head)
    return heads


def _read_published(report: LogReport) -> list[notes.Checkpoint]:
    """Return the head kept outside the database, if one is."""
    note = read_published()
    try:
        return [] if note is None else [open_published(note)]
    except LogForked as exc:
        report.add(str(exc))
        return []


def _check_leaves(report: LogReport, expected: Mapping[int, Sequence[tuple[str, bytes]]]) -> None:
    """Walk leaves and events in the log's order, and compare the root at every expected size."""
    frontier, heads = tree.Frontier(), Counter[str]()
    _compare_root(report, frontier, expected)
    rows = Leaf.objects.select_related("event", "event__system").order_by("seq")
    for leaf in rows.iterator(_READ_CHUNK):
        if leaf.seq != report.size:
            report.add(f"Leaf {report.size} is missing; the next is {leaf.seq}.")
        entry = bytes(leaf.event.entry)
        if tree.leaf_hash(entry) != bytes(leaf.leaf_hash):
            report.add(
                f"Leaf {leaf.seq}: its hash is not that of the entry of event {leaf.event.event_uuid}."
            )
        if leaf.stream_seq != heads[leaf.stream]:
            report.add(
                f"Leaf {leaf.seq}: number {leaf.stream_seq} in {leaf.stream}, not {heads[leaf.stream]}."
            )
        heads[leaf.stream] = leaf.stream_seq + 1
        _check_event(report, leaf.event, entry)
        frontier.append(tree.leaf_hash(entry))
        report.size = leaf.seq + 1
        _compare_root(report, frontier, expected)
    report.root = frontier.root().hex()
    for size in sorted(expected):
        if size > frontier.size:
            report.add(f"A checkpoint was signed at {size} leaves; only {frontier.size} are left.")


def _compare_root(
    report: LogReport, frontier: tree.Frontier, expected: Mapping[int, Sequence[tuple[str, bytes]]]
) -> None:
    for name, root in expected.get(frontier.size, ()):
        if frontier.root() != root:
            report.add(f"The entries do not lead to the root of {name} at {frontier.size}.")


def _check_event(report: LogReport, event: AuditEvent, entry: bytes) -> None:
    """Compare an event's columns, which people query, with its entry, which is in the tree."""
    columns = {
        "event": str(event.event_uuid),
        "system": event.system.key if event.system else None,
        "actor": event.actor,
        "verb": event.verb,
        "object": {"type": event.object_type, "id": event.object_id, "digest": event.object_digest},
        "payload_commitment": event.payload_commitment,
        "occurred_at": event.occurred_at,
    }
    try:
        told: Any = json.loads(entry)
        told["occurred_at"] = datetime.fromisoformat(told["occurred_at"])
    except (ValueError, KeyError, TypeError):
        report.add(f"Event {event.event_uuid}: its entry cannot be read.")
        return
    if differing := sorted(name for name, value in columns.items() if told.get(name) != value):
        report.add(f"Event {event.event_uuid}: its entry has another {', '.join(differing)} than its row.")


def _check_payloads(report: LogReport) -> None:
    """Open every payload that was not erased with its salt."""
    rows = AuditPayload.objects.values_list(
        "salt", "payload", "event__payload_commitment", "event__event_uuid"
    )
    committed = AuditEvent.objects.exclude(payload_commitment="").count()
    present = 0
    for salt, payload, commitment, event_uuid in rows.iterator(_READ_CHUNK):
        present += 1
        if hashlib.sha256(b"\x00" + bytes(salt) + bytes(payload)).hexdigest() != commitment:
            report.add(f"Event {event_uuid}: its payload is not what the log commits to.")
    report.erased = committed - present


def _check_blobs(report: LogReport) -> None:
    """What events name by digest must be there: each blob has a file of its size."""
    found = check_blobs(reads=False)
    for fault in found.faults:
        report.add(fault)
    report.n_faults += found.n_faults - len(found.faults)


def _check_tiles(report: LogReport, signed: Sequence[int]) -> None:
    """Compare every stored tile with what the leaves make of it, by level, and look for gaps."""
    leaves = Leaf.objects.order_by("seq").values_list("leaf_hash", flat=True).iterator(_READ_CHUNK)
    hashes: Iterable[bytes] = (bytes(value) for value in leaves)
    highest = Tile.objects.aggregate(highest=Max("level"))["highest"]
    level, size = 0, report.size
    while size >> (tiles.TILE_HEIGHT * level) or (highest is not None and level <= highest):
        hashes = _check_level(report, level, hashes, _wanted_widths(level, size, signed))
        level += 1


def _wanted_widths(level: int, size: int, signed: Sequence[int]) -> dict[int, set[int]]:
    """Return, for each tile index of a level, the widths that must be stored for the signed trees."""
    wanted: dict[int, set[int]] = {}
    for index in range((size >> (tiles.TILE_HEIGHT * level)) // tiles.TILE_WIDTH):
        wanted[index] = {tiles.TILE_WIDTH}
    for head in signed:
        count = head >> (tiles.TILE_HEIGHT * level)
        if count % tiles.TILE_WIDTH:
            wanted.setdefault(count // tiles.TILE_WIDTH, set()).add(count % tiles.TILE_WIDTH)
    return wanted


def _check_level(
    report: LogReport, level: int, hashes: Iterable[bytes], wanted: dict[int, set[int]]
) -> list[bytes]:
    """Compare one level, left to right, with what it should hold; return the roots of its full tiles."""
    roots: list[bytes] = []
    stored = _stored_tiles(level)
    held = next(stored, None)
    for index, row in enumerate(_rows_of(hashes)):
        missing = wanted.get(index, set())
        while held is not None and held[0] == index:
            _, width, data = held
            report.tiles += 1
            missing.discard(width)
            if data != b"".join(row[:width]) or len(data) != width * tree.HASH_SIZE:
                report.add(f"{tiles.Tile(level, index, width).path} is not what the leaves make of it.")
            held = next(stored, None)
        for width in sorted(missing):
            report.add(f"{tiles.Tile(level, index, width).path} is missing.")
        if len(row) == tiles.TILE_WIDTH:
            frontier = tree.Frontier()
            for value in row:
                frontier.append(value)
            roots.append(frontier.root())
    while held is not None:
        report.tiles += 1
        report.add(f"{tiles.Tile(level, held[0], held[1]).path} is stored, but the tree has no such tile.")
        held = next(stored, None)
    return roots


def _stored_tiles(level: int) -> Iterator[tuple[int, int, bytes]]:
    rows = Tile.objects.filter(level=level).order_by("index", "width").values_list("index", "width", "hashes")
    for index, width, data in rows.iterator(_READ_CHUNK):
        yield index, width, bytes(data)


def _rows_of(hashes: Iterable[bytes]) -> Iterator[list[bytes]]:
    row: list[bytes] = []
    for value in hashes:
        row.append(value)
        if len(row) == tiles.TILE_WIDTH:
            yield row
            row = []
    if row:
        yield row
