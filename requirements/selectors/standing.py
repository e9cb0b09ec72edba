"""How the requirements of a system stand: the newest version of each, its state, and the file it came from.

A fixed number of statements, however many are asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Lower

from evidence.any_of import any_of_keys, any_of_texts
from evidence.models import System
from requirements.models import (
    Requirement,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
    SourceFileEntry,
)


@dataclass(frozen=True, slots=True)
class NewestVersion:
    """The newest version of a requirement."""

    version: RequirementVersion  # with its requirement and identity
    state: RequirementState

    @property
    def requirement(self) -> Requirement:
        """Return the stable half."""
        return self.version.requirement

    @property
    def content_digest(self) -> str:
        """Return the digest of what it says, whatever it replaced."""
        return str(self.version.artefact_version.metadata["content_digest"])

    def says(self, content_digest: str) -> bool:
        """Whether writing this changes nothing. A retired version is never taken up again: its text is a new one's."""
        return self.state != RequirementState.RETIRED and self.content_digest == content_digest


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that a requirement came from, as the newest import that changed anything about it says."""

    file: str
    line: int | None  # of the file then
    dropped: bool  # the file holds it no longer, and so it is no file's

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


def find_concerned(system: System, *, keys: Collection[str], files: Collection[str]) -> dict[int, str]:
    """Return the keys, by id, of requirements with one of these keys, capitals or not, or ever brought by a file."""
    brought = SourceFileEntry.objects.filter(
        file_import__source_file__system=system, file_import__source_file__name__in=files
    )
    named = Q(any_of_texts(Lower("key"), [key.lower() for key in keys]))
    rows = Requirement.objects.filter(named | Q(pk__in=brought.values("requirement")), system=system)
    return dict(rows.values_list("pk", "key"))


def standing_of(requirements: Collection[int]) -> dict[str, NewestVersion]:
    """Return how these requirements of one system stand, by key."""
    last = (
        RequirementTransition.objects.filter(version_id=OuterRef("pk"))
        .order_by("-at", "-pk")
        .values("to_state")[:1]
    )
    newest = (
        RequirementVersion.objects.filter(any_of_keys("requirement_id", requirements))
        .order_by("requirement_id", "-number")
        .distinct("requirement_id")
        .select_related("requirement", "artefact_version")
        .annotate(state=Subquery(last))
    )
    return {
        version.requirement.key: NewestVersion(
            version, RequirementState(version.state or RequirementState.DRAFT)
        )
        for version in newest
    }


def origins_of(requirements: Collection[int]) -> dict[str, Origin]:
    """Return where these requirements came from, by key; those that came from no file are left out."""
    entries = (
        SourceFileEntry.objects.filter(any_of_keys("requirement_id", requirements))
        .order_by("requirement_id", "-pk")
        .distinct("requirement_id")
        .values_list("requirement__key", "file_import__source_file__name", "line", "change")
    )
    return {
        key: Origin(file, line, change == SourceFileEntry.Change.DROPPED)
        for key, file, line, change in entries
    }


def holders_of_external_ids(system: System, external_ids: Iterable[str]) -> dict[str, str]:
    """Return the key of the requirement whose newest version has an id of another tool, by that id."""
    wanted = [each for each in external_ids if each]
    if not wanted:
        return {}
    newer = RequirementVersion.objects.filter(
        requirement_id=OuterRef("requirement_id"), number__gt=OuterRef("number")
    )
    held = (
        RequirementVersion.objects.filter(
            ~Q(external_id=""), external_id__in=wanted, requirement__system=system
        )
        .annotate(newer=Subquery(newer.values("pk")[:1]))
        .filter(newer=None)
    )
    return dict(held.values_list("external_id", "requirement__key"))
