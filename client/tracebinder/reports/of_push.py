"""What was posted as a report: a finding for each run of each file, and each sample of it that is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tracebinder.answers import Json, figure, objects, part
from tracebinder.reports.report import Finding, Report, State

_MOST_REJECTS: Final = 100  # of a run


def runs_of(answer: Json) -> list[Json]:
    """Return the runs that a posted file is: the one that the server answers with, and those it names beside it."""
    first = {name: value for name, value in answer.items() if name != "others"}
    return [first, *objects(answer, "others")]


def is_whole(run: Json) -> bool:
    """Whether a run succeeded and has all that it should; one without a sample measured nothing.

    A sample that errored has no score, as one that was refused: it is missing, whatever the others came to.
    """
    has_all = not run.get("rejects") and not n_errored(run) and run.get("n_samples") != 0
    return run.get("status") == "success" and has_all


def n_errored(run: Json) -> int:
    """Return how many values of a run's metrics errored; 0, too, where a server of before does not say."""
    told = run.get("n_error")
    return told if isinstance(told, int) else 0


def report_of_push(files: Sequence[Json], *, subject: str, url: str = "") -> Report:
    """Return the report of what became of each file."""
    findings = [finding for each in files for finding in _of_file(each)]
    worst = min((finding.state for finding in findings), default=State.OPEN)
    words = {State.FAIL: "not stored, or no success", State.OPEN: "not whole", State.PASS: "stored"}
    return Report("push-eval", subject, words[worst], worst, tuple(findings), url)


def _of_file(told: Json) -> Iterator[Finding]:
    file, runs = str(told.get("file")), objects(told, "runs")
    if not runs:
        problem = part(told, "problem")
        yield Finding(
            name=file,
            group="file",
            state=State.FAIL,
            code=str(problem.get("code") or "not_stored"),
            detail=str(problem.get("detail") or "it was not stored"),
            file=file,
        )
    for run in runs:
        yield from _of_run(run, str(told.get("outcome")), file)


def _code_of(run: Json, status: str) -> str:
    if status != "success":
        return f"run_{status}"
    if is_whole(run):
        return "stored"
    is_all_there = not run.get("rejects") and run.get("n_samples") != 0
    return "samples_errored" if is_all_there else "samples_missing"


def _of_run(run: Json, outcome: str, file: str) -> Iterator[Finding]:
    status = str(run.get("status"))
    rejects = objects(run, "rejects")
    yield Finding(
        name=str(run.get("run_key")),
        group="run",
        state=State.FAIL if status != "success" else State.PASS if is_whole(run) else State.OPEN,
        code=_code_of(run, status),
        detail=f"{outcome}, {status}".replace("_", " "),
        numbers={
            name: figure(run.get(f"n_{name}"))
            for name in ("samples", "scored", "unscored", "error")
            if run.get(f"n_{name}") is not None
        },
        file=file,
    )
    for number, reject in enumerate(rejects[:_MOST_REJECTS], start=1):
        yield Finding(
            name=f"{run.get('run_key')}: missing {number}",
            group="sample",
            state=State.OPEN,
            code=str(reject.get("code")),
            detail=str(reject.get("detail")),
            file=file,
        )
