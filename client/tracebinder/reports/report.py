"""What a command found, apart from how any tool wants it written."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final


class State(enum.IntEnum):
    """What became of one thing; the worst is first."""

    FAIL = 0
    OPEN = 1  # not known: for a release it is no pass
    WAIVED = 2
    PASS = 3

    @property
    def is_good(self) -> bool:
        """Whether it stands in nobody's way."""
        return self >= State.WAIVED


@dataclass(frozen=True, slots=True)
class Finding:
    """A criterion, a metric, a file or a sample.

    Attributes:
        name: what it is about, e.g. `states-limits/limits-stated`.
        group: what it belongs to: a requirement, a run.
        code: why it is as it is; stable, and the id of its rule.
        detail: in a sentence.
        to_do: what would settle it; empty where nothing is to be done.
        numbers: what was measured, by a word for each.
        file: that it is in, where it is in one.
    """

    name: str
    group: str
    state: State
    code: str
    detail: str
    to_do: str = ""
    numbers: Mapping[str, str] = field(default_factory=dict)
    file: str = ""

    def sentence(self) -> str:
        """Return all that is said of it."""
        measured = ", ".join(f"{name} {value}" for name, value in self.numbers.items())
        to_do = f"To settle it: {self.to_do}" if self.to_do else ""
        return " ".join(
            part for part in (self.detail or self.code, f"({measured})" if measured else "", to_do) if part
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What a command found.

    Attributes:
        command: `gate`, `compare` or `push-eval`.
        subject: what was asked about, e.g. `release on credit-assistant 2026-11`; the same each time.
        verdict: the word for all of it, e.g. `insufficient`.
        url: of the page that shows it; empty where there is none.
    """

    command: str
    subject: str
    verdict: str
    state: State
    findings: tuple[Finding, ...]
    url: str = ""

    def worst_first(self) -> list[Finding]:
        """Return the findings, the worst first, otherwise in their order."""
        return sorted(self.findings, key=lambda finding: finding.state)

    def in_the_way(self) -> list[Finding]:
        """Return those that keep it from passing, the worst first."""
        return [finding for finding in self.worst_first() if not finding.state.is_good]


@dataclass(frozen=True, slots=True)
class Place:
    """A file of the repository that findings point at, so that a tool has a line to show them on.

    Attributes:
        path: as the repository has it; empty where there is none.
    """

    path: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)

    def line_of(self, finding: Finding) -> int:
        """Return the line, from 1, that first names what the finding is about."""
        return next((self.lines[word] for word in reversed(_words(finding.name)) if word in self.lines), 1)


def place_at(path: Path | None, findings: Iterable[Finding]) -> Place:
    """Return a file to point at, with the lines that name the findings; it need not be readable."""
    if path is None:
        return Place()
    wanted = {word for finding in findings for word in _words(finding.name)}
    found: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, start=1):
                for word in _WORD.findall(line):
                    if word in wanted:
                        found.setdefault(word, number)
    except OSError:
        pass  # a report without line numbers is still the report; the file is read by whoever pushes it
    return Place(path.as_posix(), found)


_WORD: Final = re.compile(r"[\w-]+")


def _words(name: str) -> list[str]:
    return _WORD.findall(name)
