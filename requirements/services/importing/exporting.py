"""A requirement file given back: as it was imported, with what was changed elsewhere since in its place."""

from __future__ import annotations

from dataclasses import dataclass

from evidence.models import System
from requirements.selectors.source_files import find_newest_import, read_source
from requirements.selectors.standing import find_concerned, origins_of, standing_of
from requirements.selectors.wording import drafts_by_version
from requirements.yaml_import import parse_requirement_file
from requirements.yaml_import.splicing import Replacement, replace_requirements


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file, and whether each requirement in it is still what it says."""

    source: bytes
    is_as_imported: bool


def export_file(system: System, name: str) -> ExportedFile:
    """Return a file with the newest version of each requirement that it owns, comments and order kept.

    What another file owns by now is taken out; what nobody changed stands byte for byte.

    Raises:
        RequirementNotFound: no file of this name was imported.
        BlobErased, BlobMissing, DigestMismatch, BlobStoreAway: its bytes cannot be read.
    """
    source = read_source(find_newest_import(system, name))
    parsed = parse_requirement_file(source, name)
    concerned = list(find_concerned(system, keys=[draft.key for draft in parsed.requirements], files=[]))
    standing, origins = standing_of(concerned), origins_of(concerned)
    others = {
        draft.key: standing[draft.key].version
        for draft in parsed.requirements
        if draft.key in standing and standing[draft.key].content_digest != draft.digest
    }
    newest = drafts_by_version(list(others.values()))
    replaced: dict[str, Replacement] = {key: newest[version.pk] for key, version in others.items()}
    for draft in parsed.requirements:
        origin = origins.get(draft.key)
        if origin is not None and origin.file != name:
            replaced[draft.key] = None
    if not replaced:
        return ExportedFile(source, is_as_imported=True)
    return ExportedFile(replace_requirements(source, replaced), is_as_imported=False)
