"""Bytes by their digest: whole or not at all, kept once, and never given out when they are others."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from evidence.errors import BlobMissing, BlobStoreAway, DigestMismatch
from evidence.models import Blob
from evidence.services.blobs import (
    blob_path,
    check_blob,
    incoming_file,
    read_blob,
    store_blob,
    store_blob_file,
)

pytestmark = pytest.mark.django_db
DATA = b"what was sent"
DIGEST = hashlib.sha256(DATA).hexdigest()


def test_bytes_are_kept_once_under_their_digest() -> None:
    for media_type in ("text/plain", "application/json"):
        assert store_blob(DATA, media_type).digest == DIGEST
    assert (Blob.objects.get().size, Blob.objects.get().media_type) == (len(DATA), "text/plain")
    assert read_blob(DIGEST) == check_blob(DIGEST).read_bytes() == DATA


def test_a_finished_file_moves_in_and_a_second_one_goes() -> None:
    for _ in range(2):
        source = incoming_file()
        source.write_bytes(DATA)
        store_blob_file(source, digest=DIGEST, media_type="text/plain")
        assert not source.exists()
    assert read_blob(DIGEST) == DATA
    assert Blob.objects.count() == 1


@pytest.mark.parametrize("read", [read_blob, check_blob])
def test_bytes_that_were_changed_or_lost_are_not_given_out(read: Callable[[str], object]) -> None:
    store_blob(DATA, "text/plain")
    blob_path(DIGEST).write_bytes(b"something else")
    with pytest.raises(DigestMismatch, match="restore it from a backup"):
        read(DIGEST)
    blob_path(DIGEST).unlink()
    with pytest.raises(BlobMissing, match="restore it from a backup"):
        read(DIGEST)


def test_a_full_disk_leaves_no_half_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = blob_path(DIGEST).parent
    folder.mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(BlobStoreAway, match="Whether anything of this was stored is not known") as told:
        store_blob(DATA, "text/plain")
    assert list(Path(folder).iterdir()) == []
    assert not Blob.objects.exists()
    assert "No space left" in str(told.value.__cause__)
