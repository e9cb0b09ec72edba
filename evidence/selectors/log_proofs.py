"""Reading the log out of its tables: sizes, tiles, entry bundles, and proofs for signed trees."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

from django.db import connection
from django.db.models import Max, QuerySet

from evidence.errors import InvalidInput, NotFound
from evidence.log import tiles, tree
from evidence.log.proof import LogProof
from evidence.models.audit import AuditEvent, Checkpoint, Leaf
from evidence.prepared import prepared_cursor
from evidence.worded import worded

# The widest row of each place: a partial tile is followed by wider ones, all with the same beginning.
_WIDEST = """
SELECT wanted.level, wanted.index, found.hashes
FROM unnest(%s::int[], %s::bigint[]) AS wanted(level, index)
CROSS JOIN LATERAL (
    SELECT hashes FROM evidence_tile t
    WHERE t.level = wanted.level AND t.index = wanted.index ORDER BY t.width DESC LIMIT 1
) AS found
"""
# The nodes that a path needs lie in the tiles above its leaf and in those at the right edge of the tree.
PLACES_OF_PATH = f"""
SELECT level, {{seq}} >> {tiles.TILE_HEIGHT} * (level + 1) AS index FROM generate_series(0, 6) AS level
UNION
SELECT level, (({{size}} >> {tiles.TILE_HEIGHT} * level) - 1) >> {tiles.TILE_HEIGHT} FROM generate_series(0, 6) AS level
"""  # noqa: S608  # composed of a constant
_HEAD = [field.attname for field in Checkpoint._meta.concrete_fields]
# All that a proof of inclusion is made of, by one question: most of its time would go on asking three. A leaf that the
# tree does not have comes without its number.
_EVENT_IN_TREE = f"""
SELECT {", ".join(f"head.{column}" for column in _HEAD)}, leaf.seq, leaf.leaf_hash, tile.level, tile.index, tile.hashes
FROM evidence_checkpoint AS head
LEFT JOIN evidence_leaf AS leaf ON leaf.event_id = %s AND leaf.seq < head.size
LEFT JOIN LATERAL (
    SELECT place.level, place.index, found.hashes
    FROM ({PLACES_OF_PATH.format(seq="leaf.seq", size="head.size")}) AS place
    CROSS JOIN LATERAL (
        SELECT hashes FROM evidence_tile AS t
        WHERE t.level = place.level AND t.index = place.index ORDER BY t.width DESC LIMIT 1
    ) AS found
    WHERE head.size >> {tiles.TILE_HEIGHT} * place.level > 0
) AS tile ON leaf.seq IS NOT NULL
WHERE head.size = coalesce(%s, (SELECT max(size) FROM evidence_checkpoint))
"""  # noqa: S608  # composed of names of columns and a constant
_SIGNED = "SELECT size FROM evidence_checkpoint WHERE size = ANY(%s)"


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """An event's place in a signed tree, and the path that shows it."""

    index: int  # of the leaf, from 0
    leaf_hash: bytes  # 32 bytes
    hashes: tuple[bytes, ...]  # from the leaf's sibling to the root's child
    checkpoint: Checkpoint

    def to_text(self) -> str:
        """Return the C2SP tlog-proof: text that verifies offline against the entry and the log's key."""
        return LogProof(self.index, self.hashes, cosigned_note(self.checkpoint)).to_text()


def count_leaves() -> int:
    """Return the number of leaves, signed or not."""
    highest: int | None = Leaf.objects.aggregate(highest=Max("seq"))["highest"]
    return 0 if highest is None else highest + 1


def latest_checkpoint() -> Checkpoint:
    """Return the checkpoint over the most leaves.

    Raises:
        NotFound: the log has not been signed yet.
    """
    found = Checkpoint.objects.order_by("-size").first()
    if found is None:
        raise _unsigned(None)
    return found


def cosigned_note(checkpoint: Checkpoint) -> str:
    """Return a checkpoint's note with the lines of the witnesses that have cosigned it."""
    lines = checkpoint.cosignatures.order_by("vkey").values_list("line", flat=True)
    return checkpoint.note + "".join(lines)


def get_checkpoint(*, size: int) -> Checkpoint:
    """Return the checkpoint over exactly this many leaves.

    Raises:
        NotFound: no tree of this size was signed.
    """
    found = Checkpoint.objects.filter(size=size).first()
    if found is None:
        raise _unsigned(size)
    return found


def _unsigned(size: int | None) -> NotFound:
    """Return what is said where no tree of a size was signed, or none at all."""
    if size is None:
        return NotFound(worded("The log has no checkpoint yet. One is signed every minute; ask again then."))
    return NotFound(worded("No checkpoint was signed at size %(size)s.", size=size))


def read_stored_tiles(wanted: Collection[tiles.Tile]) -> Mapping[tiles.Tile, bytes]:
    """Return the tiles that are stored, in one query, each cut to the width asked for."""
    if not wanted:
        return {}
    asked = sorted(wanted)
    with prepared_cursor() as cursor:
        cursor.execute(_WIDEST, [[tile.level for tile in asked], [tile.index for tile in asked]])
        stored = {(level, index): bytes(hashes) for level, index, hashes in cursor.fetchall()}
    return tiles.cut_tiles(stored, asked)


def read_live_tiles(wanted: Collection[tiles.Tile]) -> Mapping[tiles.Tile, bytes]:
    """Return the tiles, taking what no checkpoint has stored yet at level 0 from the leaves themselves."""
    found = dict(read_stored_tiles(wanted))
    for tile in wanted:
        if tile not in found and tile.level == 0:
            begin = tile.index * tiles.TILE_WIDTH
            found[tile] = b"".join(read_leaf_hashes(begin, begin + tile.width))
    return found


def read_live_root(*, size: int) -> bytes:
    """Return the root over the first leaves, signed or not, from tiles.

    Raises:
        MissingNode: a tile of that tree is not there.
    """
    return tree.read_root(tiles.nodes_from_tiles(read_live_tiles, size=size), size=size)


def read_leaf_hashes(begin: int, end: int) -> list[bytes]:
    """Return the stored hashes of the leaves from `begin` up to, not including, `end`."""
    rows = Leaf.objects.filter(seq__gte=begin, seq__lt=end).order_by("seq")
    return [bytes(value) for value in rows.values_list("leaf_hash", flat=True)]


def read_tile(tile: tiles.Tile) -> bytes:
    """Return one tile of the signed log.

    Raises:
        NotFound: the signed tree has no such tile, or none this wide.
    """
    whole = tiles.tile_at(tile.level, tile.index, latest_checkpoint().size)
    data = read_stored_tiles([tile]).get(tile) if whole and whole.width >= tile.width else None
    if data is None:
        raise NotFound(worded("The signed log has no %(path)s.", path=tile.path))
    return data


def read_bundle_events(bundle: tiles.Bundle) -> list[int]:
    """Return the keys of the events in a bundle: who may read them all may read the bundle."""
    begin = bundle.index * tiles.TILE_WIDTH
    leaves = Leaf.objects.filter(seq__gte=begin, seq__lt=begin + bundle.width)
    return list(leaves.values_list("event_id", flat=True))


def read_bundle(bundle: tiles.Bundle) -> bytes:
    """Return a bundle of the signed log's entries: the very bytes that were hashed, and no payloads.

    Raises:
        NotFound: the signed log has no such bundle, or none this long.
    """
    begin = bundle.index * tiles.TILE_WIDTH
    if begin + bundle.width > latest_checkpoint().size:
        raise NotFound(worded("The signed log has no %(path)s.", path=bundle.path))
    rows = Leaf.objects.filter(seq__gte=begin, seq__lt=begin + bundle.width).order_by("seq")
    return tiles.pack_entries(bytes(entry) for entry in rows.values_list("event__entry", flat=True))


@dataclass(frozen=True, slots=True)
class DisclosedEntry:
    """A leaf of the signed log, and what was hashed into it where the reader may know."""

    index: int  # of the leaf, from 0
    leaf_hash: bytes  # 32 bytes: SHA-256(0x00 ‖ entry)
    entry: bytes | None  # None: withheld


def read_disclosed_entries(
    begin: int, end: int, *, size: int, visible: QuerySet[AuditEvent]
) -> list[DisclosedEntry]:
    """Return the leaves from `begin` up to, not including, `end` or the signed size, with the entries of some events.

    Of the others the hash alone is given: it keeps their place in the tree, and says nothing.

    Args:
        size: of the signed tree.
        visible: the events whose entries the reader may read.

    Raises:
        NotFound: the signed tree has no such leaf.
    """
    if begin >= size:
        raise NotFound(
            worded(
                "The signed log has %(size)s entries, numbered from 0: there is none at %(begin)s.",
                size=size,
                begin=begin,
            )
        )
    leaves = list(Leaf.objects.filter(seq__gte=begin, seq__lt=min(end, size)).order_by("seq"))
    may_read = visible.filter(pk__in=[leaf.event_id for leaf in leaves])
    entries = dict(may_read.values_list("pk", "entry"))
    return [
        DisclosedEntry(
            leaf.seq,
            bytes(leaf.leaf_hash),
            bytes(entries[leaf.event_id]) if leaf.event_id in entries else None,
        )
        for leaf in leaves
    ]


def read_event_state(event: AuditEvent) -> tuple[str, int | None]:
    """Return `pending`, `sequenced` or `checkpointed`, and the index of the event's leaf where it has one."""
    leaf = Leaf.objects.filter(event=event).first()
    if leaf is None:
        return "pending", None
    covered = Checkpoint.objects.filter(size__gt=leaf.seq).exists()
    return ("checkpointed" if covered else "sequenced"), leaf.seq


def prove_event_inclusion(event: AuditEvent, *, size: int | None = None) -> InclusionProof:
    """Return the proof that an event is in a signed tree: the latest, or the one of the size given.

    Raises:
        NotFound: the event is not in that tree; it is recorded, and the next checkpoint will cover it.
    """
    with prepared_cursor() as cursor:
        cursor.execute(_EVENT_IN_TREE, [event.pk, size])
        rows = cursor.fetchall()
    if not rows:
        raise _unsigned(size)
    *head, seq, leaf_hash, _, _, _ = rows[0]
    checkpoint = Checkpoint.from_db(connection.alias, _HEAD, head)
    if seq is None:
        raise NotFound(
            worded(
                "Event %(event_uuid)s is not in the tree of %(size)s leaves; ask again later.",
                event_uuid=event.event_uuid,
                size=checkpoint.size,
            )
        )
    stored = {(level, index): bytes(hashes) for *_, level, index, hashes in rows if hashes is not None}
    read = tiles.nodes_from_tiles(partial(tiles.cut_tiles, stored), size=checkpoint.size)
    path = tree.prove_inclusion(read, index=seq, size=checkpoint.size)
    return InclusionProof(seq, bytes(leaf_hash), tuple(path), checkpoint)


def prove_checkpoints_consistent(*, old_size: int, new_size: int) -> list[bytes]:
    """Return the proof that one signed tree is a prefix of another.

    Raises:
        NotFound: no tree of one of the sizes was signed.
        InvalidInput: the old size is the larger one.
    """
    if old_size > new_size:
        raise InvalidInput(
            worded(
                "A tree of %(old_size)s leaves is no prefix of one of %(new_size)s: give the smaller first.",
                old_size=old_size,
                new_size=new_size,
            )
        )
    with prepared_cursor() as cursor:
        cursor.execute(_SIGNED, [[old_size, new_size]])
        signed = {size for (size,) in cursor.fetchall()}
    for size in (old_size, new_size):
        if size not in signed:
            raise _unsigned(size)
    read = tiles.nodes_from_tiles(read_stored_tiles, size=new_size)
    return tree.prove_consistency(read, old_size=old_size, new_size=new_size)


def export_log_proof(event: AuditEvent, *, size: int | None = None) -> str:
    """Return the C2SP tlog-proof of an event, verified offline by `evidence.log.proof.verify_log_proof`.

    Raises:
        NotFound: the event is in no signed tree yet.
    """
    return prove_event_inclusion(event, size=size).to_text()
