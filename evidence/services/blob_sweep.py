"""Files that no row names, taken away once they are old: a crash left them, or an erasure that was not carried out.

Such a file may hold what no erasure can reach, because nothing leads there. A young one is left alone: the row of a
blob comes after its file. Whoever stores bytes that are there already makes the file young again.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings

from evidence import clock
from evidence.durable_files import sync
from evidence.models import Blob
from evidence.services.blobs import blob_path, blob_store, files_in

SWEPT_AFTER: Final = timedelta(days=1)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DRAFT: Final = ".incoming-"  # of a file that was never finished
_ASIDE: Final = ".swept-"  # of one that is being swept


@blob_store()
def sweep_unreferenced() -> int:
    """Delete old files that no row names, and return how many there were."""
    folders = [settings.BLOB_ROOT, *(settings.BLOB_ROOT / f"{number:02x}" for number in range(256))]
    return sum(_sweep_folder(folder) for folder in folders)


def _sweep_folder(folder: Path) -> int:
    n_gone = 0
    old = [path for path in files_in(folder) if _is_old(path)]
    known = set(Blob.objects.filter(pk__in=[path.name for path in old]).values_list("pk", flat=True))
    for path in old:
        if path.name.startswith(_DRAFT):
            path.unlink(missing_ok=True)
            n_gone += 1
        elif path.name.startswith(_ASIDE):
            n_gone += _finish(path)
        elif _DIGEST.fullmatch(path.name) and path.name not in known:
            aside = path.with_name(f"{_ASIDE}{path.name}")
            path.rename(aside)
            n_gone += _finish(aside)
    return n_gone


def _finish(aside: Path) -> bool:
    """Delete a file that was put aside, or put it back: somebody may have stored the same bytes the moment before.

    From here on whoever stores them finds no file and writes one.
    """
    digest = aside.name.removeprefix(_ASIDE)
    if not _is_old(aside) or Blob.objects.filter(pk=digest).exists():
        aside.replace(blob_path(digest))
        sync(aside.parent)
        return False
    aside.unlink(missing_ok=True)
    return True


def _is_old(path: Path) -> bool:
    try:
        touched = path.stat().st_mtime
    except FileNotFoundError:
        return False
    return touched < (clock.now() - SWEPT_AFTER).timestamp()
