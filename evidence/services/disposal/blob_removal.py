"""Bytes taken out of the blob store: the row first, the file after the commit, and again if nobody has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Final

from django.db import transaction

from evidence import locks
from evidence.models import Blob, BlobRemoval, Disposal, Erasure
from evidence.services.blobs import blob_path, blob_store
from evidence.services.disposal.uses import find_still_had
from evidence.services.moved_values import find_user_of_value

_AT_ONCE: Final = 500  # files that are looked up and locked together


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
        values: those of them that may be large values, which another trace may have brought by the time the files go.

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
        values: those of them that may be large values: they are looked for in all spans, too.
    """
    files = sorted(set(digests) - set(values))
    starts = range(0, len(files), _AT_ONCE)
    n_gone = sum(_delete_unwanted(files[start : start + _AT_ONCE]) for start in starts)
    return n_gone + sum(_delete_value(digest) for digest in digests if digest in values)


@transaction.atomic
def _delete_unwanted(digests: Sequence[str]) -> int:
    """Delete the files that nobody has. Whoever stores the same bytes is seen, or waits and finds no file."""
    locks.hold_each(locks.Lock.BLOB, ((digest,) for digest in digests))
    had = find_still_had(digests)
    return sum(_delete_file(digest) for digest in digests if digest not in had)


@transaction.atomic
def _delete_value(digest: str) -> int:
    locks.hold(locks.Lock.BLOB, digest)
    if find_still_had([digest]) or find_user_of_value(digest) is not None:
        return 0
    return int(_delete_file(digest))


def _delete_file(digest: str) -> bool:
    path = blob_path(digest)
    with blob_store():
        there = path.exists()
        path.unlink(missing_ok=True)
    return there


def sweep_removed() -> int:
    """Delete the file of every removed blob that is there again: a crash came between, or its bytes were re-sent.

    What somebody was told is kept since the removal (a value, a file, a request) is theirs, and stays.
    """
    digests = BlobRemoval.objects.order_by("pk").values_list("pk", flat=True).iterator(1_000)
    return sum(_delete_value(digest) for digest in digests if blob_path(digest).exists())
