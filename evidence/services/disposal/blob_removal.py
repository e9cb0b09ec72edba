"""Bytes taken out of the blob store: the row first, the file after the commit, and again if it ever comes back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.db import transaction

from evidence.models import Blob, BlobRemoval, Disposal, Erasure
from evidence.services.blobs import blob_path, blob_store


def remove_blobs(
    digests: Sequence[str], *, actor: str, erasure: Erasure | None = None, disposal: Disposal | None = None
) -> list[str]:
    """Put the removal of blobs on record and remove their files once the caller's transaction has committed.

    Call it in the transaction of the erasure or disposal that is its cause, which also writes the audit event.

    Returns:
        The digests that were there to remove: known to the store, and not removed before.
    """
    known = set(Blob.objects.filter(pk__in=digests, removal__isnull=True).values_list("pk", flat=True))
    BlobRemoval.objects.bulk_create(
        BlobRemoval(blob_id=digest, erasure=erasure, disposal=disposal, removed_by=actor)
        for digest in sorted(known)
    )
    transaction.on_commit(partial(delete_files, sorted(set(digests))))
    return sorted(known)


def delete_files(digests: Sequence[str]) -> int:
    """Delete the files of removed blobs, and return how many were there. Safe to repeat."""
    count = 0
    for digest in digests:
        path = blob_path(digest)
        with blob_store():
            count += path.exists()
            path.unlink(missing_ok=True)
    return count


def sweep_removed() -> int:
    """Delete the file of every removed blob that is there again: a crash came between, or its bytes were re-sent."""
    digests = BlobRemoval.objects.order_by("pk").values_list("pk", flat=True).iterator(1_000)
    return sum(delete_files([digest]) for digest in digests)
