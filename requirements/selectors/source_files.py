"""The files that requirements come from."""

from __future__ import annotations

from collections.abc import Collection

from evidence.models import System
from evidence.services.blobs import read_blob
from evidence.worded import worded
from requirements.errors import RequirementNotFound
from requirements.models import SourceFile, SourceFileImport


def newest_digests(system: System, names: Collection[str]) -> dict[str, str]:
    """Return the digest of each file's bytes as its newest import had them, by name."""
    newest = (
        SourceFileImport.objects.filter(source_file__system=system, source_file__name__in=names)
        .order_by("source_file_id", "-pk")
        .distinct("source_file_id")
    )
    return dict(newest.values_list("source_file__name", "digest"))


def find_newest_import(system: System, name: str) -> SourceFileImport:
    """Return the newest import of a file.

    Raises:
        RequirementNotFound: no file of this name was imported.
    """
    newest = (
        SourceFileImport.objects.filter(source_file__system=system, source_file__name=name)
        .select_related("source_file__system", "blob")
        .order_by("-pk")
        .first()
    )
    if newest is None:
        raise RequirementNotFound(
            worded(
                "System %(system_key)s has no requirement file %(name)s.",
                system_key=repr(system.key),
                name=repr(name),
            )
        )
    return newest


def read_source(file_import: SourceFileImport) -> bytes:
    """Return a file's bytes as they were imported.

    Raises:
        BlobErased, BlobMissing, DigestMismatch, BlobStoreAway: as `read_blob` does.
    """
    kept = read_blob(file_import.blob_id)
    return kept[file_import.offset : file_import.offset + file_import.size]


def files_of(system: System) -> list[str]:
    """Return the names of the files that were imported into a system, sorted."""
    return list(SourceFile.objects.filter(system=system).order_by("name").values_list("name", flat=True))
