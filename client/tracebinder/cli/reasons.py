"""The reasons of a decision for a terminal: a table of the criteria, and below it the runs and what would settle each.

The worst stand first. A server of before sends only the sentence of each criterion; what it leaves out stays empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tracebinder.answers import Json, figure, objects, part
from tracebinder.cli.table import MOST, print_marked, print_rest, print_table
from tracebinder.reports.of_gate import asked_of, n_of, state_of

_HEADS: Final = ("criterion", "verdict", "value", "bound", "asked", "n", "why")


def print_reasons(reasons: Sequence[Json], *, all_of_them: bool) -> None:
    """Print what was asked and measured of each criterion, then what lies behind it."""
    sorted_reasons = sorted(reasons, key=state_of)
    shown = sorted_reasons if all_of_them else sorted_reasons[:MOST]
    print_table(_HEADS, [_row(reason) for reason in shown])
    print_rest(len(reasons) - len(shown), of="criteria")
    for reason in shown:
        for line in _behind(reason, most=None if all_of_them else MOST):
            print_marked(line)


def _row(reason: Json) -> tuple[str, ...]:
    measured = part(reason, "measured")
    return (
        _name(reason),
        "waived" if part(reason, "waiver") else str(reason.get("verdict", "")),
        figure(measured.get("value")),
        figure(measured.get("bound")),
        asked_of(measured),
        n_of(measured),
        str(reason.get("code") or reason.get("detail", "")),
    )


def _name(reason: Json) -> str:
    """Return the version of the requirement and the criterion, each said once."""
    requirement, criterion = str(reason.get("requirement", "")), str(reason.get("criterion", ""))
    own = criterion.removeprefix(f"{requirement.partition(' ')[0]}/")
    return f"{requirement}: {own}" if requirement and own != requirement else own


def _behind(reason: Json, *, most: int | None) -> Iterator[str]:
    """Yield the lines below the table: the sentence, runs, retractions, waiver, and what would settle it."""
    if not reason.get("code"):
        return
    yield f"{reason.get('criterion')}: {reason.get('detail')}"
    look = part(part(reason, "measured"), "look")
    if look:
        yield f"  look {look.get('number')} of {look.get('planned')}, {_spends(look)}"
    judge = part(part(reason, "measured"), "judge")
    if judge:
        yield f"  judge {_judge(judge)}"
    tried = part(reason, "tried")
    if tried:
        yield f"  release {tried.get('number')} judged since one met it ({_names(tried)}): {_together(tried)}"
    yield from _runs(reason, most)
    waiver = part(reason, "waiver")
    if waiver:
        yield (
            f"  {reason.get('verdict')}, waived by {waiver.get('approved_by')} until {waiver.get('expires_at')}:"
            f" {waiver.get('reason')}"
        )
    settling = part(reason, "would_settle")
    if settling:
        yield f"  to settle it: {settling.get('detail')}"


def _runs(reason: Json, most: int | None) -> Iterator[str]:
    for run in objects(reason, "runs"):
        commit = run.get("commit") or "-"
        yield f"  decided by run {run.get('run_key')}, commit {commit}, received {run.get('received_at')}"
        yield from _retractions(run)
    passed_over = objects(reason, "passed_over")
    for run in passed_over[:most]:
        yield f"  passed over run {run.get('run_key')} ({run.get('code')}): {run.get('detail')}"
        yield from _retractions(run)
    if most is not None and len(passed_over) > most:
        yield f"  and {len(passed_over) - most:,} more runs passed over (--all)"


def _judge(judge: Json) -> str:
    """Say in one line what people's labels make of a judge."""
    said = f"{judge.get('judge')} {str(judge.get('state')).replace('_', ' ')}: raw {figure(judge.get('raw'))}"
    if judge.get("value") is not None:
        said += f", corrected {figure(judge.get('value'))} {_interval(judge, 'low', 'high')}"
        said += "" if judge.get("decides") else " (not asked for)"
    if judge.get("kappa") is not None:
        said += f", kappa {figure(judge.get('kappa'))} {_interval(judge, 'kappa_low', 'kappa_high')}"
    return f"{said}, {judge.get('n_units')} labelled units by {judge.get('n_people')} people"


def _names(tried: Json) -> str:
    names = tried.get("releases")
    return ", ".join(map(str, names)) if isinstance(names, list) else ""


def _together(tried: Json) -> str:
    return f"each alone passes wrongly at {figure(tried.get('alpha'))}, one of them at {figure(tried.get('together'))}"


def _interval(judge: Json, low: str, high: str) -> str:
    return f"[{figure(judge.get(low))}, {figure(judge.get(high))}]"


def _spends(look: Json) -> str:
    alpha = look.get("alpha")
    return "beyond the plan" if alpha is None else f"alpha {figure(alpha)}"


def _retractions(run: Json) -> Iterator[str]:
    for each in objects(run, "retractions"):
        confirmed = each.get("confirmed_by")
        stands = "waits for a second person" if confirmed is None else f"confirmed by {confirmed or 'nobody'}"
        yield f"    retraction asked by {each.get('requested_by')}, {stands}: {each.get('reason')}"
