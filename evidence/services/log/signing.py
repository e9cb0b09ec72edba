"""The log's one signer: a checkpoint over a tree that two roads lead to.

A checkpoint is signed only after the new entries were read again from the events, hashed again here (the
sequencer's hashes are PostgreSQL's), and led by a second road to the same root as the tiles. A log that has
once signed a wrong root cannot be repaired, so every doubt stops the signing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

from django.conf import settings

from evidence import clock
from evidence.locks import Lock, try_hold
from evidence.log import notes, tiles, tree
from evidence.log.errors import LogError
from evidence.models.audit import Checkpoint, Leaf, Tile
from evidence.selectors import log_proofs as stored
from evidence.services.keys.log_signer import load_log_signer, load_signers_beside, publish_log_key
from evidence.services.log.errors import LogForked, LogInconsistent
from evidence.services.log.published import check_continues_published, note_published
from evidence.services.log.role import log_transaction
from evidence.worded import sentence_of, worded

logger = logging.getLogger(__name__)

_READ_CHUNK: Final = 2_000  # rows held in memory while entries are read again


def sign_checkpoint() -> Checkpoint | None:
    """Check what was added since the last checkpoint, sign the tree, and return the new checkpoint.

    Returns the last checkpoint where nothing was added, and None where another process is signing.

    Raises:
        LogInconsistent: what is stored does not lead to one root, or not from the last signed one. Nothing is
            signed; `manage.py verify_log` says where the fault is.
        LogForked: the log does not continue the head last published. Nothing is signed.
        LogKeyUnusable: the key cannot be read.
        NotTheLogWorker: this process may not write the log.
    """
    with log_transaction():
        if not try_hold(Lock.SIGNER):
            return None
        size, last = stored.count_leaves(), Checkpoint.objects.order_by("-size").first()
        _refuse_a_fork(size)
        if last is not None and last.size == size:
            note_published(last.note)
            return last
        signer = load_log_signer()
        try:
            root = _agreed_root(last, size, signer.verifier)
            note = _sign(notes.Checkpoint(settings.LOG_ORIGIN, size, root), signer)
        except LogError as exc:
            logger.critical("checkpoint refused at %d leaves: %s", size, exc)
            raise LogInconsistent(
                worded(
                    "No checkpoint was signed at %(size)s leaves: %(reason)s",
                    size=size,
                    reason=sentence_of(exc),
                )
            ) from exc
        _insert_edge(size)
        publish_log_key(signer.verifier)
        note_published(note)  # before the commit: what is published is never ahead of it
        return Checkpoint.objects.create(size=size, root=root, note=note, created_at=clock.now())


def _refuse_a_fork(size: int) -> None:
    try:
        check_continues_published()
    except (LogForked, LogInconsistent) as exc:
        logger.critical("checkpoint refused at %d leaves: %s", size, exc)
        raise


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
    note = notes.sign_note(head.text, signer, *load_signers_beside(signer)).to_text()
    if notes.open_checkpoint(note, key=signer.verifier, origin=head.origin) != head:
        raise LogError("the new note does not say what was signed")
    return note
