"""Every row of a blob against its file, and every file against its row."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.conf import settings

from evidence import clock
from evidence.errors import BlobMissing, BlobStoreAway, DigestMismatch
from evidence.models import Blob, BlobRemoval
from evidence.services.blobs import blob_path, blob_store, check_blob

MAX_NAMED: Final = 200  # faults, and files, that a report names one by one
_LAST_CHECK: Final = ".last-check.json"  # in the store itself, so that every process finds it


@dataclass(slots=True)
class BlobReport:
    """What a check of the blob store found."""

    blobs: int = 0  # rows whose bytes are to be there
    size: int = 0  # bytes, as the rows say
    removed: int = 0  # rows whose bytes were taken away, on record
    n_faults: int = 0
    faults: list[str] = field(default_factory=list)  # the first `MAX_NAMED`, each a sentence
    n_unreferenced: int = 0
    unreferenced: list[str] = field(default_factory=list)  # the first `MAX_NAMED` files that no row names

    @property
    def holds(self) -> bool:
        """Whether every row has its bytes, and none has those that were taken away."""
        return self.n_faults == 0

    def add(self, fault: str) -> None:
        """Note one fault."""
        self.n_faults += 1
        if len(self.faults) < MAX_NAMED:
            self.faults.append(fault)

    def add_unreferenced(self, path: Path) -> None:
        """Note one file that no row names: a crash between file and commit leaves one, and it harms nobody."""
        self.n_unreferenced += 1
        if len(self.unreferenced) < MAX_NAMED:
            self.unreferenced.append(str(path))


def check_blobs(*, reads: bool) -> BlobReport:
    """Compare the rows with the files, folder by folder, and go on after a fault.

    Args:
        reads: whether to read every file through and take its digest; otherwise it is asked for its size.

    Raises:
        BlobStoreAway: the folder is not there, or a file of it cannot be read.
    """
    if Blob.objects.exists() and not settings.BLOB_ROOT.is_dir():
        raise BlobStoreAway(f"{settings.BLOB_ROOT} is not there: mount the blob store, then check again.")
    report = BlobReport()
    for prefix in (f"{number:02x}" for number in range(256)):
        _check_folder(report, prefix, reads=reads)
    for path in _files_in(settings.BLOB_ROOT):
        if path.name != _LAST_CHECK:
            report.add_unreferenced(path)
    return report


@blob_store()
def note_check(report: BlobReport) -> None:
    """Keep in the store what a check found, for `last_fault`."""
    said = {"at": clock.now().isoformat(), "n_faults": report.n_faults, "first": report.faults[:1]}
    settings.BLOB_ROOT.mkdir(parents=True, exist_ok=True)
    draft = settings.BLOB_ROOT / f"{_LAST_CHECK}.{os.getpid()}"
    draft.write_text(json.dumps(said), encoding="utf-8")
    draft.replace(settings.BLOB_ROOT / _LAST_CHECK)


def last_fault() -> str:
    """Return what the last check that was kept found wrong, in words; empty: nothing, or there was none."""
    try:
        said = json.loads((settings.BLOB_ROOT / _LAST_CHECK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if not said["n_faults"]:
        return ""
    first = " ".join(said["first"])
    return f"{said['n_faults']} faults at {said['at']}, run `manage.py verify_blobs`. {first}"


def _check_folder(report: BlobReport, prefix: str, *, reads: bool) -> None:
    """Check the rows whose digest begins so, and the files of that folder."""
    named = set()
    rows = Blob.objects.filter(digest__gte=prefix, digest__lt=f"{prefix}g")  # g comes after every digit
    for digest, size, removal in rows.order_by("digest").values_list("digest", "size", "removal"):
        named.add(digest)
        if removal:
            report.removed += 1
            if blob_path(digest).exists():
                report.add(f"Blob {digest}: it was removed on record, and its file is there.")
        else:
            report.blobs += 1
            report.size += size
            _check_one(report, digest, size, reads=reads)
    for path in _files_in(settings.BLOB_ROOT / prefix):
        if path.name not in named:
            report.add_unreferenced(path)


def _check_one(report: BlobReport, digest: str, size: int, *, reads: bool) -> None:
    path = blob_path(digest)
    try:
        if reads:
            check_blob(digest)
        found = path.stat().st_size
    except (BlobMissing, FileNotFoundError):
        if not BlobRemoval.objects.filter(pk=digest).exists():  # it may have gone this moment, on record
            report.add(f"Blob {digest}: its file is missing ({size:,} bytes).")
    except DigestMismatch:
        report.add(f"Blob {digest}: its file was changed.")
    else:
        if found != size:
            report.add(f"Blob {digest}: its file has {found:,} bytes, its row says {size:,}.")


@blob_store()
def _files_in(folder: Path) -> Iterator[Path]:
    """Return the files of a folder; none where there is no such folder."""
    if not folder.is_dir():
        return iter(())
    with os.scandir(folder) as entries:
        return iter(sorted(folder / entry.name for entry in entries if entry.is_file()))
