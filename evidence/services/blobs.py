"""Bytes kept by their SHA-256, durable before any row speaks of them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from django.conf import settings

from evidence.digests import sha256_hex
from evidence.errors import BlobMissing, DigestMismatch
from evidence.models import Blob


def store_blob(data: bytes, media_type: str) -> Blob:
    """Keep the bytes and return their row; bytes that are kept already are kept once.

    The file is written beside its place, synced, and renamed, so that a crash leaves either all of it or none.
    Call it inside the transaction of whatever refers to the blob: a file without a row is harmless.
    """
    digest = sha256_hex(data)
    path = blob_path(digest)
    if not path.exists():
        _write_durably(path, data)
    blob, _ = Blob.objects.get_or_create(
        digest=digest, defaults={"size": len(data), "media_type": media_type}
    )
    return blob


def read_blob(digest: str) -> bytes:
    """Return the bytes of a digest, checked.

    Raises:
        BlobMissing: the store does not hold them.
        DigestMismatch: the file was changed since.
    """
    try:
        data = blob_path(digest).read_bytes()
    except FileNotFoundError as exc:
        raise BlobMissing(f"The blob store does not hold {digest}; restore it from a backup.") from exc
    if sha256_hex(data) != digest:
        raise DigestMismatch(f"The file of blob {digest} was changed; restore it from a backup.")
    return data


def blob_path(digest: str) -> Path:
    """Return where the bytes of a digest are kept."""
    root: Path = settings.BLOB_ROOT
    return root / digest[:2] / digest


def _write_durably(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".incoming-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
