"""What CI just pushed, named where it asks a gate: a decision that rests on other runs is none about that push."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from evidence.clock import AsOf
from evidence.errors import InvalidInput
from evidence.gate_reasons import CriterionTold, RunNote
from evidence.models import EvalRun, Release
from evidence.reason_words import OF_BINDING, Settles, in_english
from evidence.vocabulary import CriterionVerdict
from evidence.worded import worded

_SHORTEST: Final = 7  # characters of a commit that is written short
# Why a decision does not rest on what it was bound to, by code.
UNBOUND: Final[Mapping[str, str]] = {code: words.title for code, words in OF_BINDING.items()}


@dataclass(frozen=True, slots=True)
class Binding:
    """The runs that must be among those which decide, and the commit they must be of; empty where nothing is named."""

    runs: tuple[str, ...] = ()  # run keys
    commit: str = ""

    def as_inputs(self) -> dict[str, Any]:
        """Return it as a decision's inputs hold it: nothing where nothing was named."""
        return (
            {"bound_to": {"runs": list(self.runs), "commit": self.commit}} if self.runs or self.commit else {}
        )


def read_binding(inputs: Mapping[str, Any]) -> Binding:
    """Return what a stored decision was bound to, from its inputs."""
    bound = inputs.get("bound_to", {})
    return Binding(tuple(bound.get("runs", ())), bound.get("commit", ""))


def make_binding(runs: Sequence[str], commit: str) -> Binding:
    """Return what a decision is to be bound to.

    Raises:
        InvalidInput: the commit is too short to name one.
    """
    if commit and len(commit) < _SHORTEST:
        raise InvalidInput(
            worded(
                "commit is the commit of the run, in at least %(shortest)s characters: %(commit)s is shorter.",
                shortest=_SHORTEST,
                commit=repr(commit),
            )
        )
    return Binding(tuple(dict.fromkeys(runs)), commit)


def unbound_reasons(
    binding: Binding, told: Sequence[CriterionTold], release: Release, as_of: AsOf
) -> Iterator[dict[str, Any]]:
    """Yield a reason for each run that is named and does not decide, and where the commit is another."""
    deciding = {note["run_key"]: note for each in told for note in each["runs"]}
    passed_over = {note["run_key"]: note for each in told for note in each["passed_over"]}
    for key in binding.runs:
        if key not in deciding:
            yield _reason(
                f"run {key}", *_why_not(key, passed_over.get(key), [*deciding.values()], release, as_of)
            )
    if not binding.commit:
        return
    named = [note for key, note in deciding.items() if not binding.runs or key in binding.runs]
    if not named:
        yield _reason(
            f"commit {binding.commit}", "no_run_decides", "no eval run decides that could be of this commit"
        )
    for note in named:
        if not is_same_commit(note["commit"], binding.commit):
            of = f"commit {note['commit']}" if note["commit"] else "no commit that it names"
            yield _reason(
                f"commit {binding.commit}",
                "commit_differs",
                f"run {note['run_key']}, which decides, is of {of}",
            )


def is_same_commit(one: str, other: str) -> bool:
    """Whether two names are of the same commit: the shorter one, of at least seven characters, begins the other."""
    short, long = sorted((one.lower(), other.lower()), key=len)
    return one == other or (len(short) >= _SHORTEST and long.startswith(short))


def _why_not(
    key: str, passed_over: RunNote | None, deciding: Sequence[RunNote], release: Release, as_of: AsOf
) -> tuple[str, str]:
    if passed_over is not None:
        return "run_passed_over", f"run {key} was passed over: {passed_over['detail']}"
    run = EvalRun.objects.filter(as_of.knew("received_at"), system=release.system, run_key=key).first()
    if run is None:
        return "run_unknown", f"no run {key} is on record: post it first, and see what the answer says"
    if run.release_id != release.pk:
        other = run.release.name if run.release else "no release"
        return "run_of_other_release", f"run {key} is of {other}, not of {release.name}"
    newer = EvalRun.objects.filter(
        pk__in=[note["id"] for note in deciding], suite__artefact=run.suite.artefact_id
    ).first()
    if newer is not None:
        return (
            "run_passed_over",
            f"run {key} was passed over: {newer} was received later, and the newest run decides",
        )
    return "run_not_asked_for", f"no criterion of this gate asks for the suite of run {key}"


def _reason(what: str, code: str, detail: str) -> dict[str, Any]:
    """Return a reason that no waiver lets past: it is about which evidence was meant, not about what it says."""
    return {
        "criterion": what,
        "requirement": "",
        "verdict": CriterionVerdict.INSUFFICIENT,
        "detail": detail,
        "code": code,
        "measured": None,
        "runs": [],
        "passed_over": [],
        "would_settle": {"more_units": None, "detail": in_english(Settles(code))},
        "waiver": None,
    }
