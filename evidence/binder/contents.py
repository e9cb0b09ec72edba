"""What has been written to a bag so far: the digests, sizes and counts that its later files are made of."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from evidence.binder.errors import UnsafePath
from evidence.binder.files import BinderFile, RequirementStatus
from evidence.binder.paths import check_path, fold_path
from evidence.binder.statement import BinderPopulation


@dataclass(frozen=True, slots=True)
class Listing:
    """One payload file as the manifest and the RO-Crate list it. `path` is below `data/`; `size` in bytes."""

    path: str
    digest: str
    size: int
    media_type: str
    title: str
    schema: str


@dataclass(slots=True)
class Contents:
    """The payload written so far, in the order in which it was written."""

    listings: list[Listing] = field(default_factory=list)
    populations: list[BinderPopulation] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    _taken: set[str] = field(default_factory=set)

    def claim(self, path: str) -> str:
        """Return `path`, from now on taken.

        Raises:
            UnsafePath: it, or one that some file system cannot tell from it, is in the bag already.
        """
        folded = fold_path(check_path(path))
        if folded in self._taken:
            raise UnsafePath(f"two files of the binder have the path {path!r}")
        self._taken.add(folded)
        return path

    def record(self, file: BinderFile) -> Iterator[bytes]:
        """Yield the file's chunks; once the last is taken, the file is listed and counted."""
        digest, size, lines = hashlib.sha256(), 0, 0
        for chunk in file.chunks:
            digest.update(chunk)
            size += len(chunk)
            lines += chunk.count(b"\n")
            yield chunk
        self.listings.append(
            Listing(file.path, digest.hexdigest(), size, file.media_type, file.title, file.schema)
        )
        if file.population:
            self.populations.append(BinderPopulation(file.population, lines, digest.hexdigest(), file.path))
        if file.status is not None:
            self.statuses[file.status] += 1

    @property
    def requirements(self) -> dict[str, int]:
        """How many requirements have each status; a status nobody has counts 0."""
        return {status: self.statuses[status] for status in RequirementStatus}

    def manifest(self) -> bytes:
        """Return `manifest-sha256.txt`: every payload file, by path."""
        ordered = sorted(self.listings, key=lambda listing: listing.path)
        return manifest_lines([(f"data/{listing.path}", listing.digest) for listing in ordered])


def manifest_lines(rows: list[tuple[str, str]]) -> bytes:
    """Return (path, digest) pairs as BagIt writes them: digest, two spaces, path, line feed."""
    return "".join(f"{digest}  {path}\n" for path, digest in rows).encode()
