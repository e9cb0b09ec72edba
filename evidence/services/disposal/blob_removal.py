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
from evidence.services.moved_values import find_user_of_value, may_be_values

_AT_ONCE: Final = 500  # files that are looked up and locked together


def remove_blobs(
    digests: Sequence[str],
    *,
    actor: str,
    erasure: Erasure | None = None,
    disposal: Disposal | None = None,
    remainders: Mapping[str, str] | None = None,
) -> list[str]:
    """Put the removal of blobs on record and remove their files once the caller's transaction has committed.

    Call it in the transaction of the erasure or disposal that is its cause, which also writes the audit event.

    Args:
        remainders: digests of what is left of some of them, in the store already.

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
    transaction.on_commit(partial(delete_files, digests))
    return sorted(known)


def delete_files(digests: Collection[str]) -> int:
    """Delete the files of removed blobs that nobody has, and return how many were there. Safe to repeat."""
    files = sorted(set(digests))
    starts = range(0, len(files), _AT_ONCE)
    return sum(_delete_unwanted(files[start : start + _AT_ONCE]) for start in starts)


@transaction.atomic
def _delete_unwanted(digests: Sequence[str]) -> int:
    """Delete the files that nobody has. Whoever stores the same bytes is seen, or waits and finds no file."""
    locks.hold_each(locks.Lock.BLOB, ((digest,) for digest in digests))
    had = find_still_had(digests)
    had |= {digest for digest in may_be_values(digests) if find_user_of_value(digest) is not None}
    return sum(_delete_file(digest) for digest in digests if digest not in had)


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
    return delete_files([digest for digest in digests if blob_path(digest).exists()])
