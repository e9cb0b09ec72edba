"""Bytes taken out of the blob store: the row first, the file after the commit, and again if it ever comes back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from evidence import locks
from evidence.models import Blob, BlobRemoval, Disposal, Erasure
from evidence.services.blobs import blob_path, blob_store

# Rows whose JSON holds the marker of a large value. There is no index for it: ingest would pay for that one.
_USERS_OF_VALUE: Final = """
SELECT system_id, trace_id FROM (
    SELECT system_id, trace_id::text, NULL::bigint AS refused,
        concat(attributes::text, events::text, links::text, resource::text, scope::text) AS content
    FROM evidence_span
    UNION ALL SELECT system_id, trace_id, id, item::text FROM evidence_reject WHERE item IS NOT NULL
) AS held
WHERE strpos(content, 'sha256:' || %s) > 0 AND coalesce(refused <> ALL(%s), true) AND NOT (
    coalesce(system_id = %s, true) AND replace(trace_id, '-', '') = ANY(%s))
LIMIT 1
"""


def remove_blobs(
    digests: Sequence[str],
    *,
    actor: str,
    erasure: Erasure | None = None,
    disposal: Disposal | None = None,
    remainders: Mapping[str, str] | None = None,
    values: Collection[str] = (),
) -> list[str]:
    """Put the removal of blobs on record and remove their files once the caller's transaction has committed.

    Call it in the transaction of the erasure or disposal that is its cause, which also writes the audit event.

    Args:
        remainders: digests of what is left of some of them, in the store already.
        values: those of them that are large values, which somebody else may have sent by the time the files go.

    Returns:
        The digests that were there to remove: known to the store, and not removed before.
    """
    left = remainders or {}
    known = set(Blob.objects.filter(pk__in=digests, removal__isnull=True).values_list("pk", flat=True))
    BlobRemoval.objects.bulk_create(
        BlobRemoval(
            blob_id=digest,
            erasure=erasure,
            disposal=disposal,
            removed_by=actor,
            remainder_id=left.get(digest),
        )
        for digest in sorted(known)
    )
    transaction.on_commit(partial(delete_files, sorted(set(digests)), values=frozenset(values)))
    return sorted(known)


def delete_files(digests: Sequence[str], *, values: Collection[str] = ()) -> int:
    """Delete the files of removed blobs, and return how many were there. Safe to repeat.

    Args:
        values: those of them that may be large values: what another trace holds by now stays.
    """
    return sum(_delete_value(digest) if digest in values else _delete_file(digest) for digest in digests)


def _delete_file(digest: str) -> bool:
    path = blob_path(digest)
    with blob_store():
        there = path.exists()
        path.unlink(missing_ok=True)
    return there


@transaction.atomic
def _delete_value(digest: str) -> bool:
    locks.hold(locks.Lock.BLOB, digest)
    return find_user_of_value(digest) is None and _delete_file(digest)


def sweep_removed() -> int:
    """Delete the file of every removed blob that is there again: a crash came between, or its bytes were re-sent.

    A large value that another trace brought since the removal is that trace's, and stays.
    """
    digests = BlobRemoval.objects.order_by("pk").values_list("pk", flat=True).iterator(1_000)
    return sum(_delete_value(digest) for digest in digests if blob_path(digest).exists())


def find_user_of_value(
    digest: str, *, but: tuple[int, Sequence[UUID]] | None = None, but_refused: Sequence[int] = ()
) -> tuple[int | None, str] | None:
    """Return system and trace id of a span, or refused span, whose value was moved out under this digest.

    Args:
        but: traces that do not count, with their system; so do refused spans of it whose system cannot be told.
        but_refused: keys of refused spans that do not count.
    """
    system_id, traces = but or (None, ())
    with connection.cursor() as cursor:
        asked = (digest, list(but_refused), system_id, [trace_id.hex for trace_id in traces])
        cursor.execute(_USERS_OF_VALUE, asked)
        found = cursor.fetchone()
    return (found[0], found[1].replace("-", "")) if found else None


def what_is_left(digest: str) -> str:
    """Return the digest under which what is left of a blob is kept: its own, while nothing of it was removed."""
    removals = BlobRemoval.objects.filter(remainder__isnull=False)
    while (removal := removals.filter(pk=digest).first()) is not None:
        digest = str(removal.remainder_id)
    return digest
