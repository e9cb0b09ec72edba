"""The whole log, checked against itself: every entry, leaf, tile and checkpoint, from the tables alone.

Entries and rows are checked in parts (`evidence.services.log.parts`). Roots are then computed from what the entries
hash to, leaf by leaf, and never from tiles; tiles are compared with what those leaves make of them. Holds one level of
tile roots in memory (32 bytes for each 256 leaves), writes nothing to the database, and goes on after a fault so that
the report names them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.db.models import Max

from evidence.errors import InvalidInput
from evidence.log import notes, tiles, tree
from evidence.log.errors import LogError
from evidence.models.audit import AuditEvent, Checkpoint, Leaf, Tile
from evidence.row_schemas import bound_models
from evidence.services.blob_checks import check_blobs
from evidence.services.keys.log_signer import load_log_verifier
from evidence.services.log.access import find_access_beside_the_record
from evidence.services.log.attestation_faults import find_attestation_faults
from evidence.services.log.dating import check_dates
from evidence.services.log.details import check_details
from evidence.services.log.ended import check_all_numbers, read_plainly
from evidence.services.log.errors import LogForked
from evidence.services.log.parts import Part, first_transaction_after, plan_parts
from evidence.services.log.progress import Effort, carry_out
from evidence.services.log.published import open_published, read_published
from evidence.services.log.rows import RowReport, check_older_rows
from evidence.services.log.standing_rules import RuleReport, check_rules
from evidence.worded import worded

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
    since: int = 0  # leaves that were verified before, as whoever asks says
    resumed: int = 0  # parts that an interrupted check had done, as its file says
    erased: int = 0  # events whose payload and salt were erased: their entries still verify
    rows: RowReport = field(default_factory=RowReport)
    rules: RuleReport = field(default_factory=RuleReport)
    n_faults: int = 0
    faults: list[str] = field(default_factory=list)  # the first `MAX_FAULTS`, each a sentence

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts anything, and the rules stand."""
        return self.n_faults == 0 and not self.rules.faults

    def add(self, fault: str) -> None:
        """Note one fault."""
        self.n_faults += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)


def check_log(
    *, known: Sequence[notes.Checkpoint] = (), since: int = 0, effort: Effort | None = None
) -> LogReport:
    """Check the log and return what was found.

    Args:
        known: checkpoints that somebody kept outside, already verified: each must be a prefix of this log, as the
            head last published must. Without any, nobody can tell a log whose end was cut off before the last
            checkpoint from a shorter log.
        since: entries below this size, and the rows they bind, were verified before and are not looked at again; that
            the tree over them is the one that was signed, is.
        effort: how it is carried out; by default in this process, from the beginning, in silence.

    Raises:
        InvalidInput: no checkpoint was signed at `since`.
        ProgressRefused: the file of an earlier check is of another one.
    """
    read_plainly()
    report = LogReport(since=since, rules=check_rules())
    heads = _check_notes(report)
    if since and since not in {head.size for head in (*heads, *known)}:
        raise InvalidInput(
            worded(
                "No checkpoint was signed at %(since)s leaves, so nobody verified the log up to there.",
                since=f"{since:,}",
            )
        )
    for fault in find_attestation_faults():
        report.add(fault)
    expected: dict[int, list[tuple[str, bytes]]] = {}
    for name, head in [
        *(("the stored checkpoint", h) for h in heads),
        *(("the head last published", h) for h in _read_published(report)),
        *(("the known checkpoint", h) for h in known),
    ]:
        expected.setdefault(head.size, []).append((name, head.root))
    check_all_numbers(report, list(bound_models()))
    first = _check_older_rows(report) if not since else first_transaction_after(report, since)
    others = _check_parts(report, plan_parts(since, first), effort or Effort())
    check_dates(report)
    _check_tree(report, expected, others)
    _check_tiles(report, [head.size for head in heads])
    report.erased = check_details(report, since)
    for fault in find_access_beside_the_record():
        report.add(fault)
    _check_blobs(report)
    signed = max((head.size for head in heads), default=0)
    report.unsigned = max(0, report.size - signed)
    report.unsequenced = AuditEvent.objects.filter(leaf__isnull=True).count()
    return report


def _check_older_rows(report: LogReport) -> int:
    """Check what is older than the binding of rows; return from which transaction on rows are bound."""
    report.rows, first = check_older_rows(report)
    return first


def _check_parts(report: LogReport, parts: Sequence[Part], effort: Effort) -> dict[int, bytes]:
    """Carry out the parts; return the hashes of entries that are not those of their leaves, by place."""
    others: dict[int, bytes] = {}
    for found in carry_out(parts, effort):
        report.rows.take(found.rows)
        report.resumed += found.is_recalled
        for fault in found.faults:
            report.add(fault)
        report.n_faults += found.n_faults - len(found.faults)
        others |= {int(seq): bytes.fromhex(value) for seq, value in found.others.items()}
    return others


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


def _check_tree(
    report: LogReport, expected: Mapping[int, Sequence[tuple[str, bytes]]], others: Mapping[int, bytes]
) -> None:
    """Walk the leaves in the log's order, see that none is missing, and compare the root at every expected size.

    Args:
        others: what the entries of some leaves hash to, where it is not what the leaf says.
    """
    frontier, heads = tree.Frontier(), Counter[str]()
    _compare_root(report, frontier, expected)
    rows = Leaf.objects.order_by("seq").values_list("seq", "stream", "stream_seq", "leaf_hash")
    for seq, stream, stream_seq, leaf_hash in rows.iterator(_READ_CHUNK):
        if seq != report.size:
            report.add(f"Leaf {report.size} is missing; the next is {seq}.")
        if stream_seq != heads[stream]:
            report.add(f"Leaf {seq}: number {stream_seq} in {stream}, not {heads[stream]}.")
        heads[stream] = stream_seq + 1
        frontier.append(others.get(seq) or bytes(leaf_hash))
        report.size = seq + 1
        if frontier.size in expected:
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
