"""The decision of a gate as a report: a finding for each criterion, pin, run or commit that it says something of.

Beside them stand the worst samples of the runs that decide what is in the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tracebinder.answers import Json, figure, objects, part
from tracebinder.reports.report import Finding, Report, State

_STATES: Final = {"pass": State.PASS, "fail": State.FAIL}
_ASKED: Final = {"at_least": "at least", "at_most": "at most"}


def report_of_decision(decision: Json, *, subject: str, url: str) -> Report:
    """Return the report of a decision."""
    verdict = str(decision.get("verdict"))
    return Report(
        "gate",
        subject,
        verdict,
        _STATES.get(verdict, State.OPEN),
        tuple(_finding(reason) for reason in objects(decision, "reasons")),
        url,
    )


def worst_samples(answer: Json, reason: Json) -> Iterator[Finding]:
    """Yield the worst samples of a run that decides a reason, for a report of the decision."""
    for metric in objects(answer, "metrics"):
        for sample in objects(metric, "samples"):
            value = figure(sample.get("value"))
            yield Finding(
                name=f"{metric.get('metric')}/{sample.get('sample_id')}",
                group=str(reason.get("criterion", "")),
                state=state_of(reason),
                code="worst_sample",
                detail=f"among the worst of the run that decides {reason.get('criterion')}: {value}",
                numbers={"value": value},
            )


def state_of(reason: Json) -> State:
    """Return what a reason is for the release; a verdict that nobody knows is no pass."""
    if reason.get("verdict") == "met":
        return State.PASS
    if part(reason, "waiver"):
        return State.WAIVED
    return State.FAIL if reason.get("verdict") == "not_met" else State.OPEN


def asked_of(measured: Json) -> str:
    """Return the threshold in words."""
    return f"{_ASKED.get(str(measured.get('comparator')), '')} {figure(measured.get('threshold'))}".strip()


def n_of(measured: Json) -> str:
    """Return how many units, and of how many observations where those are not the same."""
    units, observations = measured.get("n_units"), measured.get("n_observations")
    if units is None or units == observations:
        return figure(observations)
    named = f" ({measured['units_of']})" if measured.get("units_of") else ""
    counted = f"{units} unit{'' if units == 1 else 's'}{named}"
    return f"{counted}, {observations} {measured.get('observations_of') or 'observations'}"


def _finding(reason: Json) -> Finding:
    return Finding(
        name=str(reason.get("criterion", "")),
        group=str(reason.get("requirement", "")),
        state=state_of(reason),
        code=str(reason.get("code") or reason.get("verdict", "")),
        detail=str(reason.get("detail", "")),
        to_do=str(part(reason, "would_settle").get("detail", "")),
        numbers=_numbers(part(reason, "measured")),
    )


def _numbers(measured: Json) -> Mapping[str, str]:
    if not measured:
        return {}
    where = ", ".join(f"{name}={value}" for name, value in part(measured, "where").items())
    told = {
        "value": figure(measured.get("value")),
        "bound": figure(measured.get("bound")),
        "asked": asked_of(measured),
        "n": n_of(measured),
        "slice": where,
    }
    return {name: value for name, value in told.items() if value not in {"", "-"}}
