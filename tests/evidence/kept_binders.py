"""Binders that are exported once for a file of tests, out of a database that is gone again.

What an export asks the database is most of what a test of a binder costs. A test that changes the file that came out,
as whoever receives it could, needs none of that a second time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from django.db import transaction
from django.test.utils import override_settings

from evidence.models import Binder
from evidence.services.keys.binder_signer import KeySigner, load_binder_signer
from evidence.services.keys.trust import describe_trust
from tests.client.binders import unpack
from tests.evidence.binder_world import archive_of
from tests.factories import World, make_world

Export = Callable[[World], Binder]  # fills a world, and exports the binder of it


@dataclass(frozen=True)
class KeptBinder:
    """All that leaves the server: the ZIP, its sidecar and the trust file. And the key that signed."""

    archive: bytes
    sidecar: str
    top: str  # the folder in the ZIP
    trusted: dict[str, object]
    signer: KeySigner

    @cached_property
    def members(self) -> dict[str, bytes]:
        """Each file by its path below the top folder."""
        return unpack(self.archive)

    def lines(self, path: str) -> list[dict[str, Any]]:
        """Return the objects of a file below `data/`."""
        return [json.loads(line) for line in self.members[f"data/{path}"].splitlines()]

    def document(self, path: str) -> dict[str, Any]:
        """Return the one object of a file below `data/`."""
        found: dict[str, Any] = json.loads(self.members[f"data/{path}"])
        return found

    def only(self, begin: str, end: str = ".json") -> str:
        """Return the path below `data/` of the one file whose path begins and ends so."""
        (path,) = (path for path in self.members if path.startswith(f"data/{begin}") and path.endswith(end))
        return path.removeprefix("data/")


def keep(binder: Binder) -> KeptBinder:
    """Return what is left of a binder where the database that it came from is gone."""
    top = f"binder-{binder.binder_uuid}"
    return KeptBinder(archive_of(binder), binder.sidecar, top, describe_trust(), load_binder_signer())


def export_and_undo(export: Export, folder: Path) -> KeptBinder:
    """Keep the binder of a world, and undo everything in the database.

    Args:
        folder: where the server has its blobs and keys meanwhile.
    """
    keys = folder / "keys"
    stores = override_settings(
        BLOB_ROOT=folder / "blobs",
        KEY_ROOT=keys,
        PUBLIC_KEY_ROOT=folder / "public-keys",
        LOG_HEAD_FILE=keys / "log.head",
    )
    with stores, transaction.atomic():
        kept = keep(export(make_world()))
        transaction.set_rollback(True)
    return kept
