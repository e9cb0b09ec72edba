"""The comparison of two runs as a report: a finding for each metric, and for each sample that newly fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from tracebinder.answers import Json, figure, objects, part
from tracebinder.reports.report import Finding, Report, State

WORDS: Final = {0: "no regression shown", 1: "regression", 2: "not known"}
_STATES: Final = {0: State.PASS, 1: State.FAIL, 2: State.OPEN}
_MOST_SAMPLES: Final = 100  # newly failing ones of a metric


def report_of_comparison(
    answer: Json, *, subject: str, code: int, code_of: Callable[[Json], int], url: str
) -> Report:
    """Return the report of a comparison.

    Args:
        code: the exit code of all of it.
        code_of: that of one metric.
    """
    findings = [
        finding
        for metric in objects(answer, "metrics")
        for finding in (_of_metric(metric, code_of(metric)), *_of_samples(metric, _STATES[code_of(metric)]))
    ]
    return Report("compare", subject, WORDS[code], _STATES[code], tuple(findings), url)


def newly_failing(answer: Json, state: State) -> list[Finding]:
    """Return the samples of a comparison that newly fail, for a report of something else."""
    return [finding for metric in objects(answer, "metrics") for finding in _of_samples(metric, state)]


def _of_metric(metric: Json, code: int) -> Finding:
    difference = part(metric, "improvement")
    numbers = {
        "baseline": figure(metric.get("baseline")),
        "candidate": figure(metric.get("candidate")),
        "better by": figure(difference.get("value"), sign="+"),
        "p": figure(difference.get("p_value")),
        "n": figure(metric.get("n")),
    }
    outcome = str(metric.get("outcome") or "not_known")
    claim = metric.get("non_inferior")
    failing = part(metric, "newly_failing").get("n") or 0
    detail = outcome.replace("_", " ")
    if claim:
        detail += f"; no worse by {figure(metric.get('margin'))}: {str(claim).replace('_', ' ')}"
    return Finding(
        name=str(metric.get("metric")),
        group="metric",
        state=_STATES[code],
        code="worse_than_margin" if claim == "refuted" and outcome != "regression" else outcome,
        detail=f"{detail}; {failing} newly failing",
        numbers={name: value for name, value in numbers.items() if value != "-"},
    )


def _of_samples(metric: Json, state: State) -> Iterator[Finding]:
    """Yield the samples that newly fail. They decide nothing: beside a metric that passes they are not in the way."""
    name = str(metric.get("metric"))
    items = part(metric, "newly_failing").get("items")
    for item in (items if isinstance(items, list) else [])[:_MOST_SAMPLES]:
        yield Finding(
            name=f"{name}/{item}",
            group=name,
            state=state,
            code="newly_failing",
            detail=f"sample {item} passed in the baseline and fails in the candidate",
        )
