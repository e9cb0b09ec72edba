"""Bytes kept by their SHA-256, durable before any row speaks of them."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, Self

from django.conf import settings

from evidence.digests import sha256_hex
from evidence.durable_files import sync
from evidence.errors import BlobErased, BlobMissing, BlobStoreAway, DigestMismatch, EvidenceError
from evidence.locks import Lock, hold
from evidence.models import Blob, BlobRemoval
from evidence.worded import worded

logger = logging.getLogger(__name__)

# What reading bytes raises where nobody can have them, while the store itself is there.
GONE: Final = (BlobErased, BlobMissing, DigestMismatch)
_PROBE_SIZE = 4096  # bytes; an empty file fits on a full disk


@contextmanager
def blob_store() -> Iterator[None]:
    """Tell a store that cannot be read or written from a fault of ours, around whatever touches its files.

    Raises:
        BlobStoreAway: a file of the store could not be read or written.
    """
    try:
        yield
    except OSError as exc:
        logger.exception("the blob store cannot be read or written")
        raise BlobStoreAway(
            worded(
                "The blob store cannot be read or written now. Whether anything of this was stored is "
                "not known. Send it again later: nothing is stored twice.",
            )
        ) from exc


@blob_store()
def store_blob(data: bytes, media_type: str, *, digest: str | None = None) -> Blob:
    """Keep the bytes and return their row; bytes that are kept already are kept once.

    The file is written beside its place, synced, and renamed, so that a crash leaves either all of it or none.
    Call it inside the transaction of whatever refers to the blob: a file without a row is harmless, and nobody deletes
    the file until that is committed.

    Args:
        digest: the SHA-256 of the bytes, where it was taken already.

    Raises:
        BlobStoreAway: as `blob_store`; so do all functions here that touch a file.
    """
    digest = digest or sha256_hex(data)
    hold(Lock.BLOB, digest)
    path = blob_path(digest)
    if _is_there(path):
        sync(path.parent)  # another process may have renamed it this moment and not have synced it yet
    else:
        _write_durably(path, data)
    blob = Blob(digest=digest, size=len(data), media_type=media_type)
    Blob.objects.insert_unless_there(blob)
    return blob


@blob_store()
def store_blob_file(source: Path, *, digest: str, media_type: str) -> Blob:
    """Keep a finished file, whatever its size, and return its row; `source` is gone afterwards.

    Args:
        source: a file on the same file system as the store, e.g. from `incoming_file`.
        digest: its SHA-256, taken while it was written.
    """
    hold(Lock.BLOB, digest)
    path = blob_path(digest)
    size = source.stat().st_size
    if _is_there(path):
        source.unlink()
    else:
        _make_folder(path.parent)
        sync(source)
        source.replace(path)
        sync(path.parent)
    blob = Blob(digest=digest, size=size, media_type=media_type)
    Blob.objects.insert_unless_there(blob)
    return blob


class Drafts:
    """Blobs that are written out and may not be wanted: in the store, beside its blobs, until kept.

    As a context it takes away what nobody kept.
    """

    def __init__(self) -> None:
        self._written: dict[str, tuple[Path, str]] = {}  # file and media type, by digest

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for path, _media_type in self._written.values():
            path.unlink(missing_ok=True)

    @blob_store()
    def write(self, data: bytes, media_type: str) -> str:
        """Write out the bytes and return their digest."""
        digest = sha256_hex(data)
        if digest not in self._written:
            path = incoming_file()
            self._written[digest] = path, media_type
            path.write_bytes(data)
        return digest

    def among(self, wanted: Collection[str]) -> list[tuple[str, Path, str]]:
        """Return digest, file and media type of what was written of these."""
        return [(digest, *written) for digest, written in self._written.items() if digest in wanted]


def keep_drafts(drafts: Drafts, wanted: Collection[str]) -> None:
    """Make blobs of what was written of these. Call it inside the transaction of whatever refers to them."""
    for digest, path, media_type in drafts.among(wanted):
        store_blob_file(path, digest=digest, media_type=media_type)


@blob_store()
def incoming_file() -> Path:
    """Return a new, empty file in the store's own file system, for `store_blob_file`."""
    root: Path = settings.BLOB_ROOT
    root.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=root, prefix=".incoming-")
    os.close(descriptor)
    return Path(name)


@blob_store()
def check_writable() -> None:
    """See that the store takes a file, by giving it a small one and taking it away again."""
    path = incoming_file()
    try:
        path.write_bytes(bytes(_PROBE_SIZE))
    finally:
        path.unlink(missing_ok=True)


@blob_store()
def check_blob(digest: str) -> Path:
    """Return where the bytes of a digest are kept, after reading them through: for content too large for memory.

    Raises:
        BlobErased: they were taken away, on record.
        BlobMissing: the store does not hold them.
        DigestMismatch: the file was changed since.
    """
    path = blob_path(digest)
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError as exc:
        raise _missing(digest) from exc
    if found != digest:
        raise _changed(digest)
    return path


@blob_store()
def read_blob(digest: str) -> bytes:
    """Return the bytes of a digest, checked.

    Raises:
        BlobErased: they were taken away, on record.
        BlobMissing: the store does not hold them.
        DigestMismatch: the file was changed since.
    """
    try:
        return read_blob_file(digest, removed_at=None)
    except BlobMissing as exc:
        raise _missing(digest) from exc


@blob_store()
def read_blob_file(digest: str, *, removed_at: datetime | None) -> bytes:
    """Return the bytes of a digest, checked, without asking the database.

    Args:
        removed_at: when they were taken away, where that is on record.

    Raises:
        BlobErased, BlobStoreAway, BlobMissing, DigestMismatch: as `read_blob` does.
    """
    try:
        data = blob_path(digest).read_bytes()
    except FileNotFoundError as exc:
        raise _not_there(digest, removed_at) from exc
    if sha256_hex(data) != digest:
        raise _changed(digest)
    return data


def what_is_left(digest: str) -> str:
    """Return the digest under which what is left of a blob is kept: its own, while nothing of it was removed."""
    removals = BlobRemoval.objects.filter(remainder__isnull=False)
    while (removal := removals.filter(pk=digest).first()) is not None:
        digest = str(removal.remainder_id)
    return digest


def originals_of(digest: str) -> set[str]:
    """Return the digests of the blobs of which this is what is left, itself among them."""
    found, latest = {digest}, {digest}
    while latest:
        removals = BlobRemoval.objects.filter(remainder__in=latest).values_list("pk", flat=True)
        latest = set(removals) - found
        found |= latest
    return found


def read_what_is_left(digest: str) -> bytes:
    """Return the bytes of a blob, without what erasures took out of it.

    Raises:
        BlobErased, BlobMissing, DigestMismatch: as `read_blob` does.
    """
    return read_blob(what_is_left(digest))


def files_in(folder: Path) -> list[Path]:
    """Return the files of a folder, in order; none where there is no such folder.

    Raises:
        OSError: it cannot be listed.
    """
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(folder / entry.name for entry in entries if entry.is_file())


def blob_path(digest: str) -> Path:
    """Return where the bytes of a digest are kept."""
    root: Path = settings.BLOB_ROOT
    return root / digest[:2] / digest


def _is_there(path: Path) -> bool:
    """Whether a file is there, and make it new: one that is old and that no row names would be swept."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _changed(digest: str) -> DigestMismatch:
    return DigestMismatch(
        worded("The file of blob %(digest)s was changed; restore it from a backup.", digest=digest)
    )


def _missing(digest: str) -> EvidenceError:
    removal = BlobRemoval.objects.filter(pk=digest).first()
    return _not_there(digest, removal.created_at if removal else None)


def _not_there(digest: str, removed_at: datetime | None) -> EvidenceError:
    """Tell bytes that were taken away, or whose store is away, from bytes that were lost."""
    if not settings.BLOB_ROOT.is_dir():
        return BlobStoreAway(worded("The folder of the blob store is not there: mount it, then ask again."))
    if removed_at is not None:
        return BlobErased(
            worded(
                "Blob %(digest)s was removed %(removed_at)s; its digest is kept.",
                digest=digest,
                removed_at=f"{removed_at:%Y-%m-%d}",
            )
        )
    return BlobMissing(
        worded("The blob store does not hold %(digest)s; restore it from a backup.", digest=digest)
    )


def _write_durably(path: Path, data: bytes) -> None:
    _make_folder(path.parent)
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
    sync(path.parent)


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _keep_name(folder)


@lru_cache(maxsize=1024)
def _keep_name(folder: Path) -> None:
    """Make a folder's own name survive a power cut: once in each process, whoever made the folder."""
    sync(folder.parent)
