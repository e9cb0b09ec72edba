"""A posted eval file while it is dealt with: on disk beside the blobs, hashed as it came, gone unless it is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evidence.services import blobs


@dataclass(frozen=True, slots=True)
class PostedFile:
    """What came, whole."""

    path: Path
    name: str  # as whoever posted it calls it; may be empty
    size: int  # bytes
    digest: str  # SHA-256

    def read(self) -> bytes:
        """Return its bytes, for files that are known to be small."""
        return self.path.read_bytes()


@contextmanager
def posted_file(pieces: Iterable[bytes], name: str = "") -> Iterator[PostedFile]:
    """Write a body to disk, piece by piece, in the blob store's own file system.

    Args:
        pieces: of the body, in order.

    Raises:
        BlobStoreAway: it cannot be written.
    """
    path = blobs.incoming_file()
    try:
        yield _write(path, pieces, name)
    finally:
        path.unlink(missing_ok=True)


def _write(path: Path, pieces: Iterable[bytes], name: str) -> PostedFile:
    taken, size = hashlib.sha256(), 0
    with path.open("wb") as stream:
        for piece in pieces:
            taken.update(piece)
            size += len(piece)
            with blobs.blob_store():
                stream.write(piece)
    return PostedFile(path, name, size, taken.hexdigest())
