"""Gold answers: to a reviewer, those they judged and what is right of them; to others, how each reviewer judges."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from evidence import acts
from evidence.access import Principal, find_system, visible_to
from evidence.admin.frame.display import list_url
from evidence.admin.frame.people import names_of
from evidence.models import GoldJudgement, System
from evidence.pages.frame import Page, Step, page_view
from evidence.selectors.gold_results import judged_gold, results_in
from evidence.statistics.ratings import FEWEST_UNITS

_SYSTEM: Final = "system"
_MOST_SHOWN: Final = 100  # of what a reviewer judged, the last first


@page_view(permission="evidence.view_review", parameters=[_SYSTEM])
def gold_answers(request: HttpRequest, principal: Principal) -> Page:
    """Show a reviewer how they judged gold answers, and everybody else how the reviewers of a system did."""
    told = _own(principal) if principal.is_reviewer else _results(request, principal)
    trail = [Step(gettext_lazy("Review tasks"), list_url("evidence.reviewtask"))]
    return Page("pages/gold.html", gettext_lazy("Gold answers"), {"fewest": FEWEST_UNITS, **told}, trail)


def _own(principal: Principal) -> dict[str, Any]:
    theirs = visible_to(GoldJudgement.objects.order_by("-pk"), principal)
    return {"is_reviewer": True, "judged": judged_gold(theirs[:_MOST_SHOWN])}


def _results(request: HttpRequest, principal: Principal) -> dict[str, Any]:
    systems = list(visible_to(System.objects.order_by("name"), principal))
    key = request.GET.get(_SYSTEM) or (systems[0].key if systems else "")
    if not key:
        return {"systems": systems, "key": key, "rows": []}
    system = find_system(principal, key)
    acts.check_can_read_gold_results(principal, system)
    found = results_in(system, visible_to(GoldJudgement.objects.all(), principal))
    names = names_of(result.reviewer for result in found)
    return {
        "systems": systems,
        "key": key,
        "rows": [(names.get(result.reviewer, result.reviewer), result) for result in found],
    }
