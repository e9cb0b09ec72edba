"""A test of JUnit XML, or all of one name in one suite, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from evidence.evals.contracts import SampleScore, ScoreStatus
from evidence.evals.foreign.texts import MAX_REASON, shown

PASSED: Final = "passed"
PASSED_FIRST: Final = "passed_first"  # without a failed attempt before it


_WORST_FIRST: Final = ("failed", "error", "passed", "skipped", "not run")


@dataclass(slots=True)
class Case:
    """One `testcase`, or all of one name in one suite."""

    classname: str
    name: str
    index: int
    status: str | None = None  # that says that it failed, where nothing else does
    failed: str | None = None  # what each outcome says, where there is one
    error: str | None = None
    skipped: str | None = None
    not_run: str | None = None
    flaky: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    times: int = 1  # how often it stands there
    outcomes: set[str] = field(default_factory=set)

    @property
    def title(self) -> str:
        return ".".join(part for part in (self.classname, self.name) if part)

    @property
    def outcome(self) -> str:
        """What became of it: a failure beside an error is one failure, and what failed once has not passed."""
        told = {"failed": self.failed, "error": self.error, "skipped": self.skipped, "not run": self.not_run}
        return next((name for name, said in told.items() if said is not None), "passed")

    def join(self, other: Case) -> None:
        """Take in another of the same name: the worse of their outcomes stands, and what ran before what did not."""
        self.times += 1
        self.outcomes |= {self.outcome, other.outcome}
        if _WORST_FIRST.index(other.outcome) < _WORST_FIRST.index(self.outcome):
            self.failed, self.error = other.failed, other.error
            self.skipped, self.not_run = other.skipped, other.not_run
        self.flaky += other.flaky
        self.texts += other.texts
        self.links += other.links


@dataclass(slots=True)
class Suite:
    name: str
    states: bool  # whether it or one around it states how many tests there are
    links: list[str] = field(default_factory=list)
    cases: dict[tuple[str, str], Case] = field(default_factory=dict)


def scores_of(case: Case, outcome: str) -> list[SampleScore]:
    score = _score_of(case, outcome)
    first = replace(score, metric=PASSED_FIRST)
    if outcome == "passed" and (case.flaky or case.times > 1):
        first = replace(first, value=0.0, explanation="it ran again")
    return [score, first]


def _score_of(case: Case, outcome: str) -> SampleScore:
    if outcome == "passed":
        return SampleScore(PASSED, ScoreStatus.SCORED, 1.0, "")
    if outcome == "failed":
        return SampleScore(PASSED, ScoreStatus.SCORED, 0.0, shown(case.failed, MAX_REASON))
    if outcome == "error":
        return SampleScore(PASSED, ScoreStatus.ERROR, None, shown(case.error, MAX_REASON))
    why = case.skipped if outcome == "skipped" else case.not_run
    return SampleScore(PASSED, ScoreStatus.UNSCORED, None, shown(f"{outcome}: {why}", MAX_REASON))


def explain_several(case: Case) -> str:
    if case.outcomes == {"passed"}:
        return f"{case.title}: stands {case.times} times, so that it ran again: a failed attempt may have left no trace"
    outcomes = ", ".join(sorted(case.outcomes))
    return f"{case.title}: stands {case.times} times ({outcomes}); counted once, as {case.outcome}"
