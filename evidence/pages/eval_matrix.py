"""Scenarios against metrics, the systems beside each other: the newest run of each suite, with n and interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from evidence.access import Principal, visible_to
from evidence.admin.frame.display import figure, list_url, record_url
from evidence.models import EvalRun, EvalScore
from evidence.pages.frame import Page, Step, page_view
from evidence.selectors.eval_matrix import Scenario, build_matrix

_DIMENSION: Final = "by"


@dataclass(frozen=True, slots=True)
class ShownScenario:
    """A row of the matrix."""

    run: EvalRun
    part: str
    url: str
    cells: tuple[str, ...]  # one for each metric; "" where it was not measured


@page_view(permission="evidence.view_evalscore", parameters=[_DIMENSION])
def eval_matrix(request: HttpRequest, principal: Principal) -> Page:
    """Show what the newest run of each suite came to, whole or by the values of one slice."""
    dimension = request.GET.get(_DIMENSION, "")
    matrix = build_matrix(visible_to(EvalRun.objects.all(), principal), dimension)
    context = {
        "metrics": matrix.metrics,
        "rows": [_show(each, matrix.metrics) for each in matrix.scenarios],
        "dimensions": matrix.dimensions,
        "dimension": dimension,
    }
    trail = [Step(gettext_lazy("Eval runs"), list_url("evidence.evalrun"))]
    return Page("pages/eval_matrix.html", gettext_lazy("Scenarios and metrics"), context, trail)


def _show(scenario: Scenario, metrics: tuple[str, ...]) -> ShownScenario:
    cells = tuple(_cell(scenario.scores.get(metric)) for metric in metrics)
    return ShownScenario(scenario.run, scenario.part, record_url(scenario.run), cells)


def _cell(score: EvalScore | None) -> str:
    if score is None:
        return ""
    return figure(value=score.value, unit=score.unit, low=score.low, high=score.high, n=score.n)
