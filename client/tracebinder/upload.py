"""A file as it is posted: read once for each time that it is sent, and found out where it changes meanwhile.

What is posted is what decides, so half of a file is worse than none: the last piece is held back until the file is
known to be what it was when it was opened. A server that was promised more bytes than it got stores nothing.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final

from tracebinder.errors import TracebinderError

STDIN: Final = "-"
_IN_MEMORY: Final = 4 << 20  # bytes of a pipe that are kept before a temporary file is made


class FileChanged(TracebinderError):
    """A file was written, replaced or removed while it was read."""


@dataclass(slots=True)
class FileUpload:
    """A regular file.

    Attributes:
        size: bytes, when it was chosen.
        digest: SHA-256 of what was sent last; empty before.
    """

    path: Path
    size: int = 0
    digest: str = field(default="", init=False)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open it, at its beginning.

        Raises:
            FileChanged: it is gone.
            TracebinderError: it cannot be read.
        """
        try:
            file = self.path.open("rb", buffering=0)
        except FileNotFoundError as exc:
            raise FileChanged(f"{self.path} is gone: it was there when this command began") from exc
        except OSError as exc:
            raise cannot_read(self.path, exc) from exc
        with file:
            reader = _Reader(file, self.path, self.size)
            yield reader  # type: ignore[misc]  # http.client reads, and asks for nothing else
            self.digest = reader.digest()


@dataclass(slots=True)
class PipeUpload:
    """What came through a pipe: kept aside, because it may have to be sent again."""

    kept: BinaryIO
    size: int
    digest: str

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Return it, at its beginning."""
        self.kept.seek(0)
        yield self.kept


def upload_of(path: Path, kept_for: ExitStack) -> FileUpload | PipeUpload:
    """Return a file to post; a pipe is read to its end first.

    Args:
        kept_for: for as long as what came through a pipe is kept.

    Raises:
        TracebinderError: there is none, or it cannot be read.
    """
    try:
        found = path.stat()
        if stat.S_ISREG(found.st_mode):
            return FileUpload(path, found.st_size)
        with path.open("rb") as pipe:
            return keep_pipe(pipe, kept_for)
    except OSError as exc:
        raise cannot_read(path, exc) from exc


def keep_pipe(pipe: BinaryIO, kept_for: ExitStack) -> PipeUpload:
    """Read a pipe to its end."""
    kept = kept_for.enter_context(SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115  # it does
    shutil.copyfileobj(pipe, kept)
    return kept_upload(kept)


def kept_upload(kept: SpooledTemporaryFile[bytes]) -> PipeUpload:
    """Return what was kept, to be posted."""
    kept.seek(0, os.SEEK_END)
    size = kept.tell()
    kept.seek(0)
    digest = hashlib.sha256()
    while piece := kept.read(1 << 20):
        digest.update(piece)
    return PipeUpload(kept, size, digest.hexdigest())  # type: ignore[arg-type]  # it is one in all but its declared type


def cannot_read(path: Path, error: OSError) -> TracebinderError:
    """Return what is said of a file that cannot be read."""
    return TracebinderError(f"cannot read {path}: {error.strerror or error}")


class _Reader(io.RawIOBase):
    """Reads a file of a known size; what would end it is given only while the file is what it was."""

    def __init__(self, file: io.FileIO, path: Path, size: int) -> None:
        self._file, self._path = file, path
        self._left = size
        self._size = size
        self._opened = os.fstat(file.fileno())
        self._digest = hashlib.sha256()
        self._check()

    def digest(self) -> str:
        """Return the SHA-256 of what was read."""
        return self._digest.hexdigest()

    def read(self, size: int = -1) -> bytes:
        """Return the next piece.

        Raises:
            FileChanged: the file is no longer what it was.
        """
        wanted = self._left if size < 0 else min(size, self._left)
        try:
            piece = self._file.read(wanted)
        except OSError as exc:
            raise cannot_read(self._path, exc) from exc
        self._left -= len(piece)
        if self._left == 0 or not piece:
            self._check()
        self._digest.update(piece)
        return piece

    def _check(self) -> None:
        try:
            now = self._path.stat()
        except OSError as exc:
            raise FileChanged(
                f"{self._path} was removed while it was read, and is not posted: post it again once it is there"
            ) from exc
        if _identity(now) != _identity(self._opened) or now.st_size != self._size:
            raise FileChanged(
                f"{self._path} changed while it was read (it had {self._size:,} bytes and has {now.st_size:,}), and is"
                " not posted: has the runner ended? Post it again then"
            )


def _identity(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
