"""What reading a requirement file gives: drafts, or problems that say where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evidence.worded import Worded
from requirements.drafts import RequirementDraft


@dataclass(frozen=True, slots=True)
class FileProblem:
    """One fault in a requirement file, or one thing that is no fault and may not be meant."""

    file: str
    line: int  # from 1
    column: int  # from 1
    path: str  # e.g. "requirements[2].criteria[0].check"
    code: str  # stable, e.g. "unknown_check"
    message: Worded
    nearest: str | None = None  # the known name, or the value, closest to the one written

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.path}: {self.message}"

    def as_dict(self) -> dict[str, object]:
        """Return the problem as the API and the command line show it."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "path": self.path,
            "code": self.code,
            "message": self.message,
            "nearest": self.nearest,
        }


@dataclass(frozen=True, slots=True)
class LinkDraft:
    """A link as a file says it, and where."""

    kind: str
    upstream: tuple[str, str]  # kind and key of the thing
    downstream: tuple[str, str]
    file: str
    line: int  # from 1
    column: int  # from 1
    path: str  # e.g. "requirements[2].derives[0]"

    @property
    def names(self) -> tuple[str, tuple[str, str], tuple[str, str]]:
        """Return its kind, and kind and key of both ends: what makes it the same link elsewhere."""
        return self.kind, self.upstream, self.downstream

    def problem(self, code: str, message: Worded, nearest: str | None = None) -> FileProblem:
        """Return what is wrong with it, at its place."""
        return FileProblem(self.file, self.line, self.column, self.path, code, message, nearest)


@dataclass(frozen=True, slots=True)
class RequirementFile:
    """A file without faults."""

    file: str
    baseline: str | None  # the name of the baseline its requirements form, where it names one
    requirements: tuple[RequirementDraft, ...]
    lines: Mapping[str, int]  # requirement key -> the line it begins on
    warnings: tuple[FileProblem, ...] = ()  # what is no fault and may not be meant
    links: tuple[LinkDraft, ...] = ()
