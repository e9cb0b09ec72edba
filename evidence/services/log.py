"""The log's one writer: gives events their place in the tree, and signs the tree.

Events commit with what they tell of, in any order and with no lock. Afterwards one sequencer at a time (a
PostgreSQL advisory lock that ends with its transaction) gives each event without a leaf the next number.
Leaves and tiles of a batch commit together, so a process killed at any point leaves the batch whole or
absent.

A checkpoint is signed only after the new entries were read again from the events, hashed again here (the
sequencer's hashes are PostgreSQL's), and led by a second road to the same root as the tiles. A log that has
once signed a wrong root cannot be repaired, so every doubt stops the signing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from evidence.errors import EvidenceError
from evidence.log import notes, tiles, tree
from evidence.log.errors import LogError
from evidence.models.audit import Checkpoint, Leaf, Tile
from evidence.selectors import log as stored
from evidence.services.log_keys import load_log_signer

logger = logging.getLogger(__name__)

GLOBAL_STREAM: Final = "*"  # events of no system; no system can have this key
BATCH: Final = 10_000  # events sequenced in one transaction
WINDOW: Final = 20_000  # latest leaves; an event older than these is looked for by the full search only
SEQUENCE_LOCK: Final = 0x7462_0001  # keys of advisory locks: any two numbers that nothing else uses
SIGN_LOCK: Final = 0x7462_0002
_READ_CHUNK: Final = 2_000  # rows held in memory while entries are read again

# Which events have no leaf is found by asking for each event, never by remembering the last id: PostgreSQL
# commits ids out of order. PostgreSQL hashes, numbers and inserts, so no row travels twice.
_SEQUENCE = """
WITH pending AS MATERIALIZED (
    SELECT e.id, e.entry, COALESCE(s.key, %(global)s) AS stream
    FROM evidence_auditevent e LEFT JOIN evidence_system s ON s.id = e.system_id
    WHERE e.id > %(after)s AND NOT EXISTS (
        SELECT FROM evidence_leaf l WHERE l.event_id = e.id AND l.event_id > %(after)s
    )
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
"""


class LogInconsistent(EvidenceError):
    """The log's tables contradict each other or the last signed checkpoint. Nothing was written."""

    code = "log_inconsistent"
    http_status = 500
    title = "The audit log is not consistent"


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
    """
    with transaction.atomic():
        if not _try_lock(SEQUENCE_LOCK):
            return 0
        old_size = stored.count_leaves()
        after = 0 if full_search else _window_start(old_size)
        leaves = _insert_leaves(old_size, after=after, limit=limit)
        if leaves:
            _insert_tiles(old_size, leaves)
    return len(leaves)


def sign_checkpoint() -> Checkpoint | None:
    """Check what was added since the last checkpoint, sign the tree, and return the new checkpoint.

    Returns the last checkpoint where nothing was added, and None where another process is signing.

    Raises:
        LogInconsistent: what is stored does not lead to one root, or not from the last signed one. Nothing is
            signed; `manage.py verify_log` says where the fault is.
        LogKeyUnusable: the key cannot be read.
    """
    with transaction.atomic():
        if not _try_lock(SIGN_LOCK):
            return None
        size, last = stored.count_leaves(), Checkpoint.objects.order_by("-size").first()
        if last is not None and last.size == size:
            return last
        signer = load_log_signer()
        try:
            root = _agreed_root(last, size, signer.verifier)
            note = _sign(notes.Checkpoint(settings.LOG_ORIGIN, size, root), signer)
        except LogError as exc:
            logger.critical("checkpoint refused at %d leaves: %s", size, exc)
            raise LogInconsistent(f"No checkpoint was signed at {size} leaves: {exc}") from exc
        _insert_edge(size)
        return Checkpoint.objects.create(size=size, root=root, note=note, created_at=timezone.now())


def _try_lock(key: int) -> bool:
    """Take an advisory lock that ends with the transaction, however it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [key])
        return bool(cursor.fetchone()[0])


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
                f"The right edge of level {level} has {len(hashes)} hashes, not {count - begin}."
            )
        return hashes

    grown = tiles.grow_tiles(old_size=old_size, leaves=leaves, edge=edge)
    Tile.objects.bulk_create(
        Tile(level=tile.level, index=tile.index, width=tile.width, hashes=data)
        for tile, data in grown
        if tile.level > 0 or tile.width == tiles.TILE_WIDTH
    )


def _insert_edge(size: int) -> None:
    """Store the partial tile at level 0 that the tree of this size ends in, if it ends in one."""
    width = size % tiles.TILE_WIDTH
    if width:
        hashes = b"".join(stored.read_leaf_hashes(size - width, size))
        Tile.objects.create(level=0, index=size // tiles.TILE_WIDTH, width=width, hashes=hashes)


def _agreed_root(last: Checkpoint | None, size: int, key: notes.VerifierKey) -> bytes:
    """Return the root that tiles and entries both lead to, and that continues the last signed tree."""
    before = _last_signed(last, key)
    read = tiles.nodes_from_tiles(stored.read_live_tiles, size=size)
    by_tiles = tree.read_root(read, size=size)
    proof = tree.prove_consistency(read, old_size=before.size, new_size=size)
    tree.verify_consistency(
        old_size=before.size, old_root=before.root, new_size=size, new_root=by_tiles, proof=proof
    )
    by_entries = _root_by_entries(before, size)
    if by_entries != by_tiles:
        raise LogError(f"tiles lead to the root {by_tiles.hex()}, entries to {by_entries.hex()}")
    return by_tiles


def _last_signed(last: Checkpoint | None, key: notes.VerifierKey) -> notes.Checkpoint:
    """Return the tree head that the last note signs; of an unsigned log, the empty tree's."""
    if last is None:
        return notes.Checkpoint(settings.LOG_ORIGIN, 0, tree.EMPTY_ROOT)
    head = notes.open_checkpoint(last.note, key=key, origin=settings.LOG_ORIGIN)
    if (head.size, head.root) != (last.size, bytes(last.root)):
        raise LogError(f"the row of the checkpoint at {last.size} does not say what its note says")
    return head


def _root_by_entries(before: notes.Checkpoint, size: int) -> bytes:
    """Return the root that the signed tree and the events' own bytes lead to, hashed here and now."""
    read = tiles.nodes_from_tiles(stored.read_stored_tiles, size=before.size)
    frontier = tree.Frontier.of(read, size=before.size)
    if frontier.root() != before.root:
        raise LogError(f"the stored tiles do not lead to the root signed at {before.size}")
    for seq, leaf_hash, entry in _read_entries(before.size, size):
        if seq != frontier.size:
            raise LogError(f"leaf {frontier.size} is missing")
        if tree.leaf_hash(entry) != leaf_hash:
            raise LogError(f"the entry of leaf {seq} does not have the hash that the leaf has")
        frontier.append(leaf_hash)
    if frontier.size != size:
        raise LogError(f"leaf {frontier.size} is missing")
    return frontier.root()


def _read_entries(begin: int, end: int) -> Iterator[tuple[int, bytes, bytes]]:
    rows = Leaf.objects.filter(seq__gte=begin, seq__lt=end).order_by("seq")
    for seq, leaf_hash, entry in rows.values_list("seq", "leaf_hash", "event__entry").iterator(_READ_CHUNK):
        yield seq, bytes(leaf_hash), bytes(entry)


def _sign(head: notes.Checkpoint, signer: notes.SignerKey) -> str:
    """Return the signed note, read back through the verifier: a faulty signature must not leave the house."""
    note = notes.sign_note(head.text, signer).to_text()
    if notes.open_checkpoint(note, key=signer.verifier, origin=head.origin) != head:
        raise LogError("the new note does not say what was signed")
    return note
