"""Which reasons the reviewers of a system may give: its own newest list, or the common kinds where it has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from evidence.models import Artefact, ArtefactKind, ArtefactVersion, System

REASONS_KEY: Final = "review-reasons"  # of the one artefact that each system may have


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason of a system's own list."""

    code: str
    kind: str  # a `ReasonCode`
    words: dict[str, str]  # by language

    def in_language(self, language: str) -> str:
        """Return its words in a language of pages ("zh-hans"), or in English."""
        return self.words.get(language.replace("-", "_")) or self.words["en"]


@dataclass(frozen=True, slots=True)
class ReasonList:
    """The reasons of a system, and the version that lists them."""

    version: ArtefactVersion
    reasons: tuple[Reason, ...]

    def find(self, code: str) -> Reason | None:
        """Return the reason of this code, if the list has it."""
        return next((reason for reason in self.reasons if reason.code == code), None)


def reasons_of(system: System) -> ReasonList | None:
    """Return the newest list of a system; None where its reviewers give the common kinds."""
    artefacts = Artefact.objects.filter(system=system, kind=ArtefactKind.REASONS, key=REASONS_KEY)
    version = ArtefactVersion.objects.filter(artefact__in=artefacts).order_by("-number").first()
    return read_list(version) if version is not None else None


def read_list(version: ArtefactVersion) -> ReasonList:
    """Return what a version lists."""
    return ReasonList(version, tuple(Reason(**listed) for listed in version.metadata["reasons"]))
