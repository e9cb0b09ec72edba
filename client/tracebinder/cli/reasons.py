"""The reasons of a decision for a terminal: a table of the criteria, and below it the runs and what would settle each.

A server of before sends only the sentence of each criterion; what it leaves out stays empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tracebinder.cli.table import print_table, printable

Json = Mapping[str, object]

_HEADS: Final = ("requirement", "criterion", "verdict", "value", "bound", "asked", "n", "why")
_ASKED: Final = {"at_least": "at least", "at_most": "at most"}


def print_reasons(reasons: Sequence[Json]) -> None:
    """Print what was asked and measured of each criterion, then what lies behind it."""
    print_table(_HEADS, [_row(reason) for reason in reasons])
    for reason in reasons:
        for line in _behind(reason):
            print(printable(line))


def _row(reason: Json) -> tuple[str, ...]:
    measured = _object(reason, "measured")
    asked = f"{_ASKED.get(str(measured.get('comparator')), '')} {_figure(measured.get('threshold'))}".strip()
    return (
        str(reason.get("requirement", "")),
        str(reason.get("criterion", "")),
        str(reason.get("verdict", "")),
        _figure(measured.get("value")),
        _figure(measured.get("bound")),
        asked,
        _n(measured),
        str(reason.get("code") or reason.get("detail", "")),
    )


def _behind(reason: Json) -> Iterator[str]:
    """Yield the lines below the table: the sentence, runs, retractions, waiver, and what would settle it."""
    if not reason.get("code"):
        return
    yield f"{reason.get('criterion')}: {reason.get('detail')}"
    look = _object(_object(reason, "measured"), "look")
    if look:
        yield f"  look {look.get('number')} of {look.get('planned')}, {_spends(look)}"
    judge = _object(_object(reason, "measured"), "judge")
    if judge:
        yield f"  judge {_judge(judge)}"
    for run in _objects(reason, "runs"):
        commit = run.get("commit") or "-"
        yield f"  decided by run {run.get('run_key')}, commit {commit}, received {run.get('received_at')}"
        yield from _retractions(run)
    for run in _objects(reason, "passed_over"):
        yield f"  passed over run {run.get('run_key')} ({run.get('code')}): {run.get('detail')}"
        yield from _retractions(run)
    waiver = _object(reason, "waiver")
    if waiver:
        yield f"  waived by {waiver.get('approved_by')} until {waiver.get('expires_at')}: {waiver.get('reason')}"
    settling = _object(reason, "would_settle")
    if settling:
        yield f"  to settle it: {settling.get('detail')}"


def _judge(judge: Json) -> str:
    """Say in one line what people's labels make of a judge."""
    said = (
        f"{judge.get('judge')} {str(judge.get('state')).replace('_', ' ')}: raw {_figure(judge.get('raw'))}"
    )
    if judge.get("value") is not None:
        said += f", corrected {_figure(judge.get('value'))} {_interval(judge, 'low', 'high')}"
        said += "" if judge.get("decides") else " (not asked for)"
    if judge.get("kappa") is not None:
        said += f", kappa {_figure(judge.get('kappa'))} {_interval(judge, 'kappa_low', 'kappa_high')}"
    return f"{said}, {judge.get('n_units')} labelled units by {judge.get('n_people')} people"


def _interval(judge: Json, low: str, high: str) -> str:
    return f"[{_figure(judge.get(low))}, {_figure(judge.get(high))}]"


def _spends(look: Json) -> str:
    alpha = look.get("alpha")
    return "beyond the plan" if alpha is None else f"alpha {_figure(alpha)}"


def _retractions(run: Json) -> Iterator[str]:
    for each in _objects(run, "retractions"):
        confirmed = each.get("confirmed_by")
        stands = "waits for a second person" if confirmed is None else f"confirmed by {confirmed or 'nobody'}"
        yield f"    retraction asked by {each.get('requested_by')}, {stands}: {each.get('reason')}"


def _n(measured: Json) -> str:
    units, observations = measured.get("n_units"), measured.get("n_observations")
    if units is None or units == observations:
        return _figure(observations)
    named = f" ({measured['units_of']})" if measured.get("units_of") else ""
    return f"{units} units{named}, {observations} {measured.get('observations_of') or 'observations'}"


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "-"


def _object(value: Json, name: str) -> Json:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _objects(value: Json, name: str) -> list[Json]:
    found = value.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
