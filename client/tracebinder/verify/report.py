"""What verification found, line by line.

There is no single green tick, because the lines do not follow from one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from tracebinder.verify.errors import VerifyError
from tracebinder.verify.kept import KeptHead
from tracebinder.verify.previous import Differences

LineName = Literal[
    "integrity", "origin", "container", "log inclusion", "witnessed", "completeness", "freshness"
]
State = Literal["ok", "failed", "not present", "not checked"]

LINE_NAMES: Final[tuple[LineName, ...]] = (
    "integrity",
    "origin",
    "container",
    "log inclusion",
    "witnessed",
    "completeness",
    "freshness",
)
# What is worst to find decides the exit code: unreadable, then too new, then untrue, then not vouched for.
_GRAVITY: Final = {2: 4, 4: 3, 1: 2, 3: 1}


@dataclass(frozen=True, slots=True)
class Line:
    """One question that was asked of the binder, and its answer."""

    name: LineName
    state: State
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing found wrong, and the exit code that it alone would give."""

    line: LineName
    member: str
    detail: str
    exit_code: int


@dataclass(slots=True)
class Report:
    """The answers, the problems, and what the binder says it is (only once its signature was verified).

    `heads` are the checkpoints in it that hold, for whoever keeps them; `differences` is what changed since an earlier
    binder, where one was given.
    """

    binder_id: str = ""
    zip_digest: str = ""
    statement: dict[str, object] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    heads: list[KeptHead] = field(default_factory=list)
    differences: Differences | None = None
    _lines: dict[LineName, Line] = field(default_factory=dict)

    def answer(self, name: LineName, state: State, detail: str) -> None:
        """Set a line, unless a problem has already failed it."""
        current = self._lines.get(name)
        if current is None or current.state != "failed":
            self._lines[name] = Line(name, state, detail)

    def line(self, name: LineName) -> Line:
        """Return a line as it stands; one that was never reached is not checked."""
        return self._lines.get(name, Line(name, "not checked", "an earlier problem stopped the check"))

    def fail(self, name: LineName, error: VerifyError) -> None:
        """Note a problem; its line fails, and stays failed. The line's text is the first problem's."""
        self.problems.append(Problem(name, error.member, error.detail, error.exit_code))
        if name not in self._lines or self._lines[name].state != "failed":
            self._lines[name] = Line(name, "failed", str(error))

    @contextmanager
    def noting(self, name: LineName) -> Iterator[None]:
        """Have what a check raises within the block fail a line; the verification goes on after it."""
        try:
            yield
        except VerifyError as exc:
            self.fail(name, exc)

    @property
    def lines(self) -> list[Line]:
        """Every line, in a fixed order; one that was never reached is not checked."""
        return [self.line(name) for name in LINE_NAMES]

    @property
    def exit_code(self) -> int:
        """0 verified, 1 failed, 2 malformed, 3 trust policy not met, 4 newer format."""
        return max((problem.exit_code for problem in self.problems), key=_GRAVITY.__getitem__, default=0)

    def as_dict(self) -> dict[str, object]:
        """Return the report as `--json` prints it."""
        return {
            "exitCode": self.exit_code,
            "verified": self.exit_code == 0,
            "binderId": self.binder_id,
            "zipSha256": self.zip_digest,
            "lines": [{"name": x.name, "state": x.state, "detail": x.detail} for x in self.lines],
            "problems": [
                {"line": p.line, "member": p.member, "detail": p.detail, "exitCode": p.exit_code}
                for p in self.problems
            ],
            "statement": self.statement,
            **({} if self.differences is None else {"differences": self.differences.as_dict()}),
        }
