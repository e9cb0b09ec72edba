"""Two eval runs beside each other: what each metric gained or lost, the worst slices, and what newly fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence import drawings
from evidence.access import Principal, visible_to
from evidence.admin.frame.display import badge, drawing, list_url, record_url, tone_of
from evidence.admin.frame.units import unit_in_words
from evidence.errors import Fault, InvalidInput, NotFound
from evidence.figures import in_figures
from evidence.models import EvalRun, EvalSample
from evidence.pages.frame import Page, Step, page_view
from evidence.selectors.eval_comparisons import MetricComparison, RunComparison, compare_runs
from evidence.selectors.eval_results import samples_of_items
from evidence.statistics.comparison import Slice
from evidence.worded import worded

_BASELINE, _CANDIDATE, _MARGIN = "baseline", "candidate", "margin"
_DIGITS: Final = 18  # more fit no key
_MOST_ITEMS: Final = 10  # with their texts; more are counted
_MOST_SLICES: Final = 12


@dataclass(frozen=True, slots=True)
class ShownItem:
    """An item that newly fails: what was asked, and what either run answered."""

    name: str
    before: EvalSample | None
    now: EvalSample | None


@dataclass(frozen=True, slots=True)
class ShownComparison:
    """One metric of both runs."""

    name: str
    tone: str
    outcome: SafeString | str
    claims: tuple[tuple[str, SafeString], ...]
    said: str
    detectable: str
    bars: SafeString | str  # "" where nothing could be compared
    slices: SafeString | str
    newly_failing: tuple[ShownItem, ...]
    counts: tuple[tuple[str, int], ...]  # of items, by what became of them


@page_view(permission="evidence.view_evalrun", parameters=[_BASELINE, _CANDIDATE, _MARGIN])
def compare_two_runs(request: HttpRequest, principal: Principal) -> Page:
    """Show what can be said of a candidate run beside a baseline run; refused where their versions differ."""
    baseline, candidate = (_find(request, principal, name) for name in (_BASELINE, _CANDIDATE))
    found = compare_runs(baseline, candidate, margin=_margin(request))
    context = {
        "baseline": baseline,
        "candidate": candidate,
        "metrics": [_show(found, each) for each in found.metrics],
        "unshared": found.unshared,
        "margin": request.GET.get(_MARGIN, ""),
    }
    trail = [
        Step(gettext_lazy("Eval runs"), list_url("evidence.evalrun")),
        Step(candidate.run_key, record_url(candidate)),
    ]
    title = _("%(candidate)s beside %(baseline)s") % {
        "candidate": candidate.run_key,
        "baseline": baseline.run_key,
    }
    return Page("pages/eval_comparison.html", title, context, trail, here=_("Comparison"))


def _find(request: HttpRequest, principal: Principal, name: str) -> EvalRun:
    given = request.GET.get(name, "")
    if not given.isdecimal() or len(given) > _DIGITS:
        message = worded("name both runs by the number in the address of their page")
        raise InvalidInput(faults=[Fault("query", name, "required", message)])
    runs = visible_to(EvalRun.objects.select_related("system", "release", "evaluator", "dataset"), principal)
    run = runs.filter(pk=int(given)).first()
    if run is None:
        raise NotFound(worded("There is no such eval run among those that you may see."))
    return run


def _margin(request: HttpRequest) -> float | None:
    given = request.GET.get(_MARGIN, "").strip()
    try:
        return float(given) if given else None
    except ValueError as exc:
        message = worded("how much worse is not worse yet, as a number above 0: 0.05")
        raise InvalidInput(faults=[Fault("query", _MARGIN, "invalid", message)]) from exc


def _show(found: RunComparison, compared: MetricComparison) -> ShownComparison:
    result = compared.comparison
    claims = (
        (_("Not worse than by the margin"), result.non_inferior),
        (_("The same within it"), result.equivalent),
    )
    failing = result.newly_failing
    return ShownComparison(
        name=compared.metric,
        tone=tone_of(result.outcome) if result.outcome else "plain",
        outcome=badge(result.outcome) if result.outcome else "",
        claims=tuple((text, badge(claim)) for text, claim in claims if claim),
        said=_say(compared),
        detectable=_say_detectable(compared),
        bars=_draw_whole(compared),
        slices=_draw_slices(compared),
        newly_failing=_show_items(found, compared.metric, failing[:_MOST_ITEMS]),
        counts=(
            (_("newly failing"), len(failing)),
            (_("newly passing"), len(result.newly_passing)),
            (_("differ between attempts"), len(result.flaky)),
            (_("scored in the baseline alone"), len(result.only_baseline)),
            (_("scored in the candidate alone"), len(result.only_candidate)),
        ),
    )  # fmt: skip


def _say(compared: MetricComparison) -> str:
    result = compared.comparison
    if result.baseline is None or result.candidate is None:
        return _("Nothing could be compared: no item has a score in both runs.")
    how = _("item by item") if result.paired else _("as two groups, for they share too few items")
    return _(
        "%(old)s %(unit)s in the baseline, %(new)s in the candidate; %(n)s items compared %(how)s, "
        "%(units)s independent units"
    ) % {
        "old": in_figures(result.baseline),
        "new": in_figures(result.candidate),
        "unit": unit_in_words(compared.unit),
        "n": result.n,
        "how": how,
        "units": result.units,
    }


def _say_detectable(compared: MetricComparison) -> str:
    improvement = compared.comparison.improvement
    if improvement is None or improvement.detectable is None:
        return ""
    told = {"amount": in_figures(improvement.detectable, 3), "unit": unit_in_words(compared.unit)}
    said = _(
        "A difference of %(amount)s %(unit)s would have been shown four times in five; a smaller one may hide."
    )
    return said % told


def _draw_whole(compared: MetricComparison) -> SafeString | str:
    improvement = compared.comparison.improvement
    if improvement is None or improvement.low is None or improvement.high is None:
        return ""
    outcome = compared.comparison.outcome
    row = drawings.Whisker(
        _("whole run"), improvement.value, improvement.low, improvement.high,
        tone=tone_of(outcome) if outcome else "plain", note=f"n {compared.comparison.n}",
    )  # fmt: skip
    return _drawn([row], compared)


def _draw_slices(compared: MetricComparison) -> SafeString | str:
    rows = [row for each in compared.comparison.slices if (row := _slice_row(each))]
    return _drawn(rows[:_MOST_SLICES], compared) if rows else ""


def _slice_row(part: Slice) -> drawings.Whisker | None:
    found = part.improvement
    if found is None or found.low is None or found.high is None:
        return None
    note = f"n {part.n}" if part.q is None else f"n {part.n}, q {in_figures(part.q, 2)}"
    return drawings.Whisker(part.name, found.value, found.low, found.high, note=note)


def _drawn(rows: Sequence[drawings.Whisker], compared: MetricComparison) -> SafeString:
    no_change = drawings.Reference(0.0, _("no difference"))
    return drawing(
        drawings.whiskers(
            rows, title=_("Improvement in %(metric)s: right of the line is better") % {"metric": compared.metric},
            unit=unit_in_words(compared.unit), reference=no_change, width=860, notes=290,
        )
    )  # fmt: skip


def _show_items(found: RunComparison, metric: str, items: Sequence[str]) -> tuple[ShownItem, ...]:
    before = samples_of_items(found.baseline, metric, items)
    now = samples_of_items(found.candidate, metric, items)
    return tuple(ShownItem(item, before.get(item), now.get(item)) for item in items)
