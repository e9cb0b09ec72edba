"""The log's one sequencer: gives each event without a leaf its place in the tree.

Events commit with what they tell of, in any order and with no lock. Afterwards one sequencer at a time (a
PostgreSQL advisory lock that ends with its transaction) gives each event without a leaf the next number. Leaves
and tiles of a batch commit together, so a process killed at any point leaves the batch whole or absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import connection
from django.db.models import Max

from evidence.locks import Lock, try_hold
from evidence.log import tiles
from evidence.models.audit import AuditEvent, Tile
from evidence.selectors import log_proofs as stored
from evidence.services.log.errors import LogInconsistent
from evidence.services.log.role import log_transaction
from evidence.time_budget import TimeBudget
from evidence.worded import worded

GLOBAL_STREAM: Final = "*"  # events of no system; no system can have this key
BATCH: Final = 10_000  # events sequenced in one transaction
WINDOW: Final = 20_000  # latest leaves; an event older than these is looked for by the full search only

# Which events have no leaf is found by asking for each event, never by remembering the last id: PostgreSQL
# commits ids out of order. PostgreSQL hashes, numbers and inserts, so no row travels twice.
_WITHOUT_LEAF: Final = """
    e.id > %(after)s
    AND NOT EXISTS (SELECT FROM evidence_leaf l WHERE l.event_id = e.id AND l.event_id > %(after)s)
"""
_WAITS: Final = f"""
    SELECT EXISTS (SELECT FROM evidence_auditevent e WHERE e.id <= %(newest)s AND {_WITHOUT_LEAF})
"""  # noqa: S608  # our own text
_SEQUENCE: Final = f"""
WITH pending AS MATERIALIZED (
    SELECT e.id, e.entry, COALESCE(s.key, %(global)s) AS stream
    FROM evidence_auditevent e LEFT JOIN evidence_system s ON s.id = e.system_id
    WHERE {_WITHOUT_LEAF}
    ORDER BY e.id LIMIT %(limit)s
), heads AS MATERIALIZED (
    SELECT stream, (SELECT max(l.stream_seq) FROM evidence_leaf l WHERE l.stream = named.stream) AS head
    FROM (SELECT DISTINCT stream FROM pending) AS named
)
INSERT INTO evidence_leaf (seq, event_id, stream, stream_seq, leaf_hash)
SELECT %(size)s - 1 + row_number() OVER (ORDER BY id),
       id,
       stream,
       COALESCE(head, -1) + row_number() OVER (PARTITION BY stream ORDER BY id),
       sha256('\\x00'::bytea || entry)
FROM pending JOIN heads USING (stream)
RETURNING seq, leaf_hash
"""  # noqa: S608  # likewise


def sequence_events(*, limit: int = BATCH, full_search: bool = False) -> int:
    """Give the oldest events without a leaf their place in the log, and return how many.

    Safe to call at any time, from anywhere, twice. When another process is at it, this call does nothing.

    Args:
        limit: most events in this call, which is one transaction.
        full_search: look at all events, also those older than the latest `WINDOW` leaves. Needed now and then
            for an event whose transaction stayed open while that many others were sequenced; costs one pass
            over an index of all events.

    Raises:
        LogInconsistent: the stored right edge of the tree is not there.
        NotTheLogWorker: this process may not write the log.
    """
    with log_transaction():
        if not try_hold(Lock.SEQUENCER):
            return 0
        old_size = stored.count_leaves()
        after = 0 if full_search else _window_start(old_size)
        leaves = _insert_leaves(old_size, after=after, limit=limit)
        if leaves:
            _insert_tiles(old_size, leaves)
    return len(leaves)


def sequence_backlog(budget: TimeBudget, *, limit: int = BATCH) -> None:
    """Sequence batch after batch until all that is on record now has its place, or the budget is spent; one at least.

    It ends however fast events keep coming: later ones are the next call's. Nothing is done where another process is
    sequencing.
    """
    newest = AuditEvent.objects.aggregate(newest=Max("pk"))["newest"] or 0
    while sequence_events(limit=limit) == limit and not budget.is_spent():
        if not _waits(newest):
            return


def has_missed_events() -> bool:
    """Whether an event that the everyday search no longer looks at has no leaf: one pass over an index of all."""
    return _has_without_leaf(after=0, newest=_window_start(stored.count_leaves()))


def _waits(newest: int) -> bool:
    """Whether an event up to this one has no leaf. A later event that has one says nothing: ids commit out of order."""
    return _has_without_leaf(after=_window_start(stored.count_leaves()), newest=newest)


def _has_without_leaf(*, after: int, newest: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_WAITS, {"after": after, "newest": newest})
        (found,) = cursor.fetchone() or (False,)
    return bool(found)


def _window_start(size: int) -> int:
    """Return the event id after which the everyday search looks: before all of the latest `WINDOW` leaves."""
    if size <= WINDOW:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(event_id) FROM evidence_leaf WHERE seq >= %s", [size - WINDOW])
        return int(cursor.fetchone()[0]) - 1


def _insert_leaves(size: int, *, after: int, limit: int) -> list[bytes]:
    """Insert the leaves of one batch and return their hashes in the log's order."""
    values: dict[str, str | int] = {"global": GLOBAL_STREAM, "after": after, "limit": limit, "size": size}
    with connection.cursor() as cursor:
        cursor.execute(_SEQUENCE, values)
        rows = sorted((seq, bytes(leaf_hash)) for seq, leaf_hash in cursor.fetchall())
    return [leaf_hash for _, leaf_hash in rows]


def _insert_tiles(old_size: int, leaves: Sequence[bytes]) -> None:
    """Store the tiles that a batch of leaves adds. The partial one at level 0 waits for a checkpoint."""

    def edge(level: int, count: int) -> list[bytes]:
        begin = count - count % tiles.TILE_WIDTH
        if level == 0:
            hashes = stored.read_leaf_hashes(begin, count)
        else:
            tile = tiles.Tile(level, begin // tiles.TILE_WIDTH, count - begin)
            hashes = tiles.split_hashes(stored.read_stored_tiles([tile]).get(tile, b""))
        if len(hashes) != count - begin:
            raise LogInconsistent(
                worded(
                    "The right edge of level %(level)s has %(found)s hashes, not %(expected)s.",
                    level=level,
                    found=len(hashes),
                    expected=count - begin,
                )
            )
        return hashes

    grown = tiles.grow_tiles(old_size=old_size, leaves=leaves, edge=edge)
    Tile.objects.bulk_create(
        Tile(level=tile.level, index=tile.index, width=tile.width, hashes=data)
        for tile, data in grown
        if tile.level > 0 or tile.width == tiles.TILE_WIDTH
    )
