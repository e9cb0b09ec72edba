"""What a file does not say of its run, its poster says. Where both say it, they must say the same. Free of Django."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from evidence.evals.contracts import VersionClaim
from evidence.evals.measurements import Said
from evidence.statistics import Plan

_T = TypeVar("_T")
CLAIMS: Final = ("suite", "evaluator", "dataset", "model", "judge")
_PLAIN: Final = ("system", "release", "dirty", "ci_url", "observed_from", "observed_to")
_OF_THE_ADDRESS: Final = frozenset({"system"})  # said with every file, whatever is in it
_SHORTEST_COMMIT: Final = 7  # characters of a commit that is written short
# What every run has to say, with what it is called where it is missing.
_NEEDED: Final = {
    "suite": "which suite ran",
    "evaluator": "what gave the scores",
    "dataset": "on which dataset",
    "commit": "of which commit the code was",
    "observed_from": "when it began",
    "observed_to": "when it ended",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing of a run, or that file and poster say differently."""

    parameter: str  # of the request; the client's flag is the same with dashes
    code: str  # `not_said` or `said_twice`
    message: str


@dataclass(frozen=True, slots=True)
class Completed:
    """What is said of a run, by whoever said it."""

    said: Said
    by_poster: tuple[str, ...]  # what the file does not say and the poster does, by parameter
    conflicts: tuple[Gap, ...]


def complete(of_file: Said, of_poster: Said) -> Completed:
    """Return both halves as one. Of the run's key, the poster's word is taken."""
    merging = _Merging()
    plain: dict[str, Any] = {
        name: merging.value(name, getattr(of_file, name), getattr(of_poster, name)) for name in _PLAIN
    }
    claims: dict[str, Any] = {
        name: merging.claim(name, getattr(of_file, name), getattr(of_poster, name)) for name in CLAIMS
    }
    whole = replace(
        of_file,
        run_key=of_poster.run_key or of_file.run_key,
        commit=merging.commit(of_file.commit, of_poster.commit),
        plan=merging.plan(of_file.plan, of_poster.plan),
        **plain,
        **claims,
    )
    if of_poster.run_key:
        merging.by_poster.append("run_key")
    return Completed(whole, tuple(sorted(merging.by_poster)), tuple(merging.conflicts))


def missing_in(said: Said) -> list[Gap]:
    """Return what a run has to say and nobody said."""
    found = [
        Gap(name, "not_said", f"the file does not say {what}: give {name} ({_flag(name)})")
        for name, what in _NEEDED.items()
        if getattr(said, name) is None
    ]
    began, ended = said.observed_from, said.observed_to
    if began is not None and ended is not None and ended < began:
        found.append(Gap("observed_to", "said_twice", "observed_to lies before observed_from"))
    return found


class _Merging:
    """Takes one field after the other, and remembers who said what."""

    def __init__(self) -> None:
        self.by_poster: list[str] = []
        self.conflicts: list[Gap] = []

    def value(self, name: str, of_file: _T | None, of_poster: _T | None) -> _T | None:
        if of_poster is None or of_file == of_poster:
            return of_file
        if of_file is None:
            self.by_poster += [name] if name not in _OF_THE_ADDRESS else []
            return of_poster
        self._differ(name, of_file, of_poster)
        return of_file

    def commit(self, of_file: str | None, of_poster: str | None) -> str | None:
        """A commit may be written short: the longer name of the same one is kept."""
        if of_file and of_poster:
            short, long = sorted((of_file.lower(), of_poster.lower()), key=len)
            if len(short) >= _SHORTEST_COMMIT and long.startswith(short):
                return long
        return self.value("commit", of_file or None, of_poster or None)

    def plan(self, of_file: Plan | None, of_poster: Plan | None) -> Plan | None:
        if of_file is None or of_poster is None:
            return of_file or of_poster
        samples = self.value("planned_samples", of_file.samples, of_poster.samples)
        return replace(of_file, samples=samples)

    def claim(
        self, name: str, of_file: VersionClaim | None, of_poster: VersionClaim | None
    ) -> VersionClaim | None:
        if of_file is None or of_poster is None:
            return self.value(name, of_file, of_poster)
        if of_file.key != of_poster.key:
            self._differ(name, of_file.key, of_poster.key)
        return replace(
            of_file,
            label=self.value(f"{name}_label", of_file.label, of_poster.label),
            digest=self.value(f"{name}_digest", of_file.digest, of_poster.digest),
        )

    def _differ(self, name: str, of_file: object, of_poster: object) -> None:
        sentence = (
            f"{name} is {str(of_file)[:200]!r} in the file, and {str(of_poster)[:200]!r} was said with it"
        )
        self.conflicts.append(Gap(name, "said_twice", sentence))


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
