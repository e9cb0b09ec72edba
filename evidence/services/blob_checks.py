"""Every row of a blob against its file, and every file against its row."""

from __future__ import annotations

import json
import stat
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection

from evidence import clock
from evidence.errors import BlobErased, BlobMissing, BlobStoreAway, DigestMismatch
from evidence.models import Blob, BlobRemoval
from evidence.services.blobs import blob_path, blob_store, check_blob, files_in, incoming_file
from evidence.services.disposal.uses import find_still_had
from evidence.services.moved_values import find_user_of_value
from evidence.worded import worded

MAX_NAMED: Final = 200  # faults, and files, that a report names one by one
_FOLDERS: Final = tuple(f"{number:02x}" for number in range(256))
_AT_ONCE: Final = 10_000  # rows; of a smaller store all are asked for together, of a larger folder by folder
# In the store itself, so that every process finds them. A look at the sizes says nothing of what reading found.
_LAST_LOOK: Final = ".last-check.json"
_LAST_READING: Final = ".last-reading.json"
_UNTIL_SWEPT: Final = timedelta(hours=26)  # the sweep is daily, and takes its time
# Values that were removed and that a request brought, or may have brought, since then; or whose bytes were removed as a
# body that retention took, which they outlive.
_BROUGHT_AGAIN: Final = """
SELECT DISTINCT removal.blob_id FROM evidence_ingestbatch AS batch
CROSS JOIN LATERAL unnest(batch.moved) AS digest
JOIN evidence_blobremoval AS removal ON removal.blob_id = digest
WHERE cardinality(batch.moved) > 0
    AND (removal.disposal_id IS NOT NULL OR batch.received_at > removal.created_at - interval '1 hour')
"""


@dataclass(slots=True)
class BlobReport:
    """What a check of the blob store found."""

    blobs: int = 0  # rows whose bytes are to be there
    size: int = 0  # bytes, as the rows say
    read: bool = False  # whether every file was read through, and not only asked for its size
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
        """Note one file that no row names: a crash between file and commit leaves one, and it is swept."""
        self.n_unreferenced += 1
        if len(self.unreferenced) < MAX_NAMED:
            self.unreferenced.append(str(path))


def check_blobs(*, reads: bool) -> BlobReport:
    """Compare the rows with the files, and go on after a fault.

    Args:
        reads: whether to read every file through and take its digest; otherwise it is asked for its size.

    Raises:
        BlobStoreAway: the folder of the store is not there, or cannot be listed.
    """
    if Blob.objects.exists() and not settings.BLOB_ROOT.is_dir():
        raise _store_away()
    report = BlobReport(read=reads)
    brought_again = _find_brought_again()
    is_small = Blob.objects.order_by()[:_AT_ONCE].count() < _AT_ONCE
    for prefixes in [_FOLDERS] if is_small else [(prefix,) for prefix in _FOLDERS]:
        _check_folders(report, prefixes, brought_again)
    with blob_store():
        for path in files_in(settings.BLOB_ROOT):
            if path.name not in {_LAST_LOOK, _LAST_READING}:
                report.add_unreferenced(path)
    return report


@blob_store()
def note_check(report: BlobReport) -> None:
    """Keep in the store what a check found, for `last_fault`."""
    at = clock.now().isoformat()
    said = {"at": at, "n_faults": report.n_faults, "first": report.faults[:1]}
    name = _LAST_READING if report.read else _LAST_LOOK
    draft = incoming_file()  # where a crash leaves it, it is swept
    draft.write_text(json.dumps(said), encoding="utf-8")
    draft.replace(settings.BLOB_ROOT / name)


def last_fault() -> str:
    """Return what the last checks that were kept found wrong, in words; empty: nothing, or there was none.

    What a reading found stays until another one finds nothing. It also sees whatever a look at the sizes does, so a
    later reading settles that.
    """
    reading, look = _recall(_LAST_READING), _recall(_LAST_LOOK)
    settled = look["at"] <= reading["at"]
    said = reading if reading["n_faults"] or settled else look
    if not said["n_faults"]:
        return ""
    first = " ".join(said["first"])
    return worded(
        "%(count)s faults at %(at)s, run `manage.py verify_blobs`. %(first)s",
        count=said["n_faults"],
        at=said["at"],
        first=first,
    )


def _recall(name: str) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads((settings.BLOB_ROOT / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"at": "", "n_faults": 0, "first": []}
    return said


def _find_brought_again() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_BROUGHT_AGAIN)
        return {digest for (digest,) in cursor.fetchall()}


def _check_folders(report: BlobReport, prefixes: Sequence[str], brought_again: Container[str]) -> None:
    """Check the rows whose digests begin so, from the first to the last, and the files of those folders."""
    last = f"{prefixes[-1]}g"  # g comes after every digit
    rows = Blob.objects.filter(digest__gte=prefixes[0], digest__lt=last)
    columns = ("digest", "size", "removal__created_at")
    blobs = list(rows.order_by("digest").values_list(*columns))
    # Who was told since a removal that the same bytes are kept has to have them.
    had = find_still_had([digest for digest, _, removed_at in blobs if removed_at is not None])
    by_folder = {prefix: list(those) for prefix, those in groupby(blobs, key=lambda blob: blob[0][:2])}
    for prefix in prefixes:
        of_folder = by_folder.get(prefix, [])
        for digest, size, removed_at in of_folder:
            if removed_at is None or digest in had:
                _check_one(report, digest, size)
            else:
                _check_removed(report, digest, size, removed_at, brought_again)
        _list_folder(report, prefix, named={digest for digest, _, _ in of_folder})


def _list_folder(report: BlobReport, prefix: str, *, named: Container[str]) -> None:
    """Note the files of a folder that no row names."""
    try:
        found = files_in(settings.BLOB_ROOT / prefix)
    except OSError as exc:
        report.add(f"Folder {prefix}: it cannot be listed ({exc.strerror or exc}).")
        return
    for path in found:
        if path.name not in named:
            report.add_unreferenced(path)


def _check_one(report: BlobReport, digest: str, size: int) -> None:
    report.blobs += 1
    report.size += size
    if fault := _fault_in(digest, size, reads=report.read):
        report.add(f"Blob {digest}: {fault}")


def _check_removed(
    report: BlobReport, digest: str, size: int, removed_at: datetime, brought_again: Container[str]
) -> None:
    """Check that the file of a removed blob is gone, unless a trace brought the same bytes again as a value.

    What a crash left is no fault until the sweep should have taken it.
    """
    try:
        touched = datetime.fromtimestamp(blob_path(digest).stat().st_mtime, tz=UTC)
    except OSError:
        touched = None
    if (touched is not None or digest in brought_again) and find_user_of_value(digest) is not None:
        _check_one(report, digest, size)
        return
    report.removed += 1
    if touched is None or max(removed_at, touched) > clock.now() - _UNTIL_SWEPT:
        return
    report.add(
        f"Blob {digest}: it was removed on record, and its file is there: run `manage.py retention`, which takes such "
        "files away."
    )


def _fault_in(digest: str, size: int, *, reads: bool) -> str:
    """Return what is wrong with a blob's file, as the rest of a sentence; empty: nothing.

    Raises:
        BlobStoreAway: it is the folder of the store that is not there.
    """
    path = blob_path(digest)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return "what stands in its place is no file."
        if reads:
            check_blob(digest)
        with path.open("rb"):  # a file that is there and that nobody may open is lost as well
            found = path.stat().st_size
    except DigestMismatch:
        return "its file was changed."
    except (BlobErased, BlobMissing, BlobStoreAway, OSError) as exc:
        if not settings.BLOB_ROOT.is_dir():
            raise _store_away() from exc
        return _explain(exc, digest, size)
    return "" if found == size else f"its file has {found:,} bytes, its row says {size:,}."


def _explain(exc: Exception, digest: str, size: int) -> str:
    """Return what it means that a file could not be read."""
    cause = exc.__cause__ if isinstance(exc, BlobStoreAway) else exc
    if isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError):
        return f"its file cannot be read ({cause.strerror or cause})."
    went = BlobRemoval.objects.filter(pk=digest).exists()
    if went and not find_still_had([digest]) and find_user_of_value(digest) is None:
        return ""  # it went this moment, on record
    return f"its file is missing ({size:,} bytes)."


def _store_away() -> BlobStoreAway:
    return BlobStoreAway(
        worded("%(folder)s is not there: mount the blob store, then check again.", folder=settings.BLOB_ROOT)
    )
