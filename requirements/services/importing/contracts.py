"""What an import would do, and what stands in its way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from evidence.digests import digest_of
from evidence.vocabulary import ChoiceEnum
from requirements.drafts import RequirementDraft
from requirements.selectors.standing import NewestVersion, Origin
from requirements.yaml_import.contracts import FileProblem, LinkDraft


class Act(ChoiceEnum):
    """What becomes of one requirement."""

    ADDED = "added"
    CHANGED = "changed"
    RETURNED = "returned"
    ADOPTED = "adopted"
    MOVED = "moved"
    UNCHANGED = "unchanged"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class SourceText:
    """A requirement file as it was given."""

    name: str  # by which it owns its requirements, e.g. "requirements/credit.yaml"
    source: bytes


@dataclass(frozen=True, slots=True)
class Moves:
    """What may leave the file that owns it: single requirements, or all of a file, one that was renamed, say."""

    keys: frozenset[str] = frozenset()
    from_files: frozenset[str] = frozenset()

    def allow(self, key: str, owner: Origin) -> bool:
        """Whether a requirement may leave its file."""
        return key in self.keys or owner.file in self.from_files


NO_MOVES: Final = Moves()


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one requirement."""

    key: str
    act: Act
    file: str
    line: int | None  # of the file; None: it is not in it
    draft: RequirementDraft | None  # None: of what was dropped
    content_digest: str  # of the draft; of what was dropped, empty
    standing: NewestVersion | None  # None: nobody knew it
    origin: Origin | None  # the file it came from before
    held_elsewhere: bool = False  # another file's, which says the same and keeps it

    @property
    def is_new_version(self) -> bool:
        """Whether a version is drafted for it."""
        if self.draft is None or self.act is Act.UNCHANGED:
            return False
        return (
            self.standing is None or self.standing.content_digest != self.content_digest or self.was_retired
        )

    @property
    def was_retired(self) -> bool:
        """Whether its newest version is retired."""
        return self.standing is not None and self.standing.state == "retired"

    @property
    def is_recorded(self) -> bool:
        """Whether it says something new of whose the requirement is, or of what it says."""
        earlier = self.act is Act.DROPPED and self.origin is not None and self.origin.dropped
        return self.act is not Act.UNCHANGED and not earlier


@dataclass(frozen=True, slots=True)
class Conflict:
    """What stands in the way of an import, at its line."""

    problem: FileProblem
    key: str
    can_move: bool  # whether naming the key as moved settles it


@dataclass(frozen=True, slots=True)
class FilePlan:
    """One file of a plan."""

    name: str
    digest: str  # of its bytes
    baseline: str | None
    keys: tuple[str, ...]  # in its order
    is_as_imported: bool  # the newest import of this file had these bytes
    warnings: tuple[FileProblem, ...]
    links: tuple[LinkDraft, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import of some files would do now. Nothing was stored."""

    files: tuple[FilePlan, ...]
    steps: tuple[Step, ...]  # in the order of the files; then what was dropped
    conflicts: tuple[Conflict, ...] = ()
    moves: Moves = NO_MOVES

    def counts(self) -> dict[str, int]:
        """Return how many requirements each act is of, 0 where there are none."""
        counted = Counter(step.act for step in self.steps)
        return {act.value: counted[act] for act in Act}

    def of_act(self, act: Act) -> list[Step]:
        """Return the steps of one act."""
        return [step for step in self.steps if step.act is act]

    @property
    def changes_anything(self) -> bool:
        """Whether something would be stored."""
        return any(step.is_recorded for step in self.steps) or not all(f.is_as_imported for f in self.files)

    @property
    def digest(self) -> str:
        """SHA-256 over all that the plan rests on: the files, what would be done, on which versions in which state."""
        return digest_of(
            {
                "files": [[each.name, each.digest] for each in self.files],
                "steps": [list(_of_step(step)) for step in self.steps],
                "conflicts": [str(each.problem) for each in self.conflicts],
            }
        )


def _of_step(step: Step) -> Iterator[str]:
    yield from (step.key, step.act.value, step.file, step.content_digest)
    if step.standing is not None:
        yield from (step.standing.version.artefact_version.digest, step.standing.state.value)
    if step.origin is not None:
        yield from (step.origin.file, str(step.origin.dropped))
