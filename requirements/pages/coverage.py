"""What of a release is covered, and what would become suspect if it went live."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from evidence.access import Principal, visible_to
from evidence.admin.frame.display import list_url, record_url
from evidence.errors import NotFound
from evidence.models import Release
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.paging import page_of
from evidence.vocabulary import Layer
from evidence.worded import worded
from requirements import acts
from requirements.covered import Standing
from requirements.selectors.baselines import find_baseline
from requirements.selectors.coverage import Coverage, CoveredRequirement, cover, layer_map
from requirements.selectors.impact import impact_of_release, live_release

_ON_A_PAGE: Final = 100  # of each list
_SHOWN: Final = 100  # characters of a key somebody made up
_CHOICES: Final[Mapping[str, Collection[str]]] = {
    "standing": list(Standing),
    "layer": list(Layer),
    "covered": ["yes", "no"],
}


@page_view(
    permission="requirements.view_assessment",
    parameters=["baseline", "standing", "layer", "covered", "requirement", "page"],
)
def coverage(request: HttpRequest, principal: Principal, release_id: int) -> Page:
    """Show each requirement with what it comes to for a release, and what stands alone."""
    release = _release(principal, release_id)
    named = request.GET.get("baseline", "")
    found = cover(release, find_baseline(release.system, named) if named else None)
    acts.check_can_read_coverage(principal, release, counts_reviews=found.counts_reviews)
    narrowed = {name: request.GET[name] for name in (*_CHOICES, "requirement") if request.GET.get(name)}
    context: dict[str, Any] = {
        "release": release,
        "coverage": found,
        "layers": layer_map(found),
        "standings": list(Standing),
        "totals": found.by_standing(),
        "narrowed": narrowed,
        "rows": page_of(request, _narrow(found, narrowed), _ON_A_PAGE),
        "mechanistic": Layer.MECHANISTIC,
        "listing": urlencode(narrowed | ({"baseline": named} if named else {})),
        "asked": urlencode(
            {"system": release.system.key, "release": release.name} | ({"baseline": named} if named else {})
        ),
    }
    trail = [
        Step(gettext_lazy("Releases"), list_url("evidence.release")),
        Step(release.name, record_url(release)),
    ]
    return Page("pages/coverage.html", gettext_lazy("Coverage"), context, trail)


def _narrow(found: Coverage, narrowed: dict[str, str]) -> list[CoveredRequirement]:
    for name, choices in _CHOICES.items():
        if name in narrowed and narrowed[name] not in choices:
            raise NotFound(worded("There is no such %(name)s.", name=name))
    key = narrowed.get("requirement")
    if key is not None and all(each.key != key for each in found.requirements):
        raise NotFound(
            worded("There is no requirement %(key)s in what is covered here.", key=repr(key[:_SHOWN]))
        )
    return [
        each
        for each in found.requirements
        if narrowed.get("standing", each.standing) == each.standing
        and narrowed.get("layer", each.layer) == each.layer
        and narrowed.get("requirement", each.key) == each.key
        and (narrowed.get("covered") in {None, "yes" if each.is_covered else "no"})
    ]


@page_view(permission="requirements.view_tracelink", parameters=["page", "criteria", "evidence"])
def impact(request: HttpRequest, principal: Principal, release_id: int) -> Page:
    """Show what would become suspect, and what to run again, if a release went live."""
    release = _release(principal, release_id)
    found = impact_of_release(principal, release)
    context: dict[str, Any] = {
        "release": release,
        "live": live_release(release.system),
        "impact": found,
        "rows": page_of(request, found.links, _ON_A_PAGE),
        "criteria": page_of(request, found.criteria, _ON_A_PAGE, name="criteria"),
        "evidence": page_of(request, found.evidence, _ON_A_PAGE, name="evidence"),
    }
    trail = [
        Step(gettext_lazy("Releases"), list_url("evidence.release")),
        Step(release.name, record_url(release)),
    ]
    return Page("pages/impact.html", gettext_lazy("If it goes live"), context, trail)


def _release(principal: Principal, release_id: int) -> Release:
    releases = visible_to(Release.objects.select_related("system"), principal)
    release = releases.filter(pk=release_id).first()
    if release is None:
        raise NotFound(worded("There is no such release among those that you may see."))
    return release
