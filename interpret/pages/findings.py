"""The findings of a system, newest first; and everything that was tried on one of its models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence.access import Principal, find_system, visible_to
from evidence.admin.frame.display import figure
from evidence.errors import NotFound
from evidence.models import Release, System
from evidence.pages.frame import Page, Step, page_view
from interpret.finding_parts import read_number
from interpret.models import Finding, ProbeRun
from interpret.pages.addresses import findings_url
from interpret.registry import PROBES
from interpret.selectors.findings import fresh_for, latest_release
from interpret.selectors.ledger import models_tried, runs_on_model

ANY: Final = "all"  # what the form sends where nothing is chosen
_ON_A_PAGE: Final = 50  # findings, and runs
_MOST_RELEASES: Final = 100  # of the choices, newest first
_LONG: Final = ("internals", "provenance", "baseline", "null", "control", "stability", "verdict", "holds_for")
_FILTERS: Final = ("release", "status", "probe", "stale")


@page_view(parameters=["system", *_FILTERS, "page"])
def findings(request: HttpRequest, principal: Principal) -> Page:
    """Show the findings of a system, by release, status, probe, or whether they are stale."""
    systems = _systems(principal)
    system = _system(request, principal, systems)
    latest = latest_release(system)
    choices = _choices(system)
    asked = {name: value for name in _FILTERS if (value := request.GET.get(name, ANY)) != ANY}
    rows = visible_to(Finding.objects.filter(run__spec__system=system), principal)
    narrowed = _narrow(rows, asked, choices, latest)
    related = narrowed.select_related("run__spec", "run__release__system").defer(*_LONG).order_by("-pk")
    page = Paginator(related, _ON_A_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "system": system,
        "systems": systems,
        "latest": latest,
        "choices": choices,
        "chosen": asked,
        "rows": page,
        "shown": _shown(list(page), rows, latest),
        "asked": urlencode({"system": system.key, **asked}),
    }
    return Page("pages/findings.html", gettext_lazy("Findings"), context)


@page_view(parameters=["system", "model", "page"])
def tried(request: HttpRequest, principal: Principal) -> Page:
    """Show every run of a system on a model: what was asked, how it ended, what was found."""
    systems = _systems(principal)
    system = _system(request, principal, systems)
    runs = visible_to(ProbeRun.objects.all(), principal)
    models = models_tried(runs, system)
    model = request.GET.get("model") or next(iter(models), "")
    if model and model not in models:
        raise NotFound(_("No probe was asked of such a model here."))
    rows = Paginator(runs_on_model(runs, system, model), _ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "system": system,
        "systems": systems,
        "models": models,
        "model": model,
        "rows": rows,
        "shown": [(run, _found_by(run)) for run in rows],
        "asked": urlencode({"system": system.key, "model": model}),
    }
    trail = [Step(gettext_lazy("Findings"), findings_url(system))]
    return Page("pages/tried.html", gettext_lazy("Everything tried on this model"), context, trail)


def _systems(principal: Principal) -> list[System]:
    if not principal.sees_internals:
        raise NotFound(_("There is nothing here, or it belongs to a system you are not a member of."))
    return list(System.objects.filter(pk__in=principal.system_ids).order_by("key"))


def _system(request: HttpRequest, principal: Principal, systems: list[System]) -> System:
    """Return the system that is asked for; otherwise the one with the newest finding, or the first."""
    asked = request.GET.get("system")
    newest = (
        visible_to(Finding.objects.order_by("-pk"), principal).select_related("run__spec__system").first()
    )
    first = newest.run.spec.system if newest else next(iter(systems), None)
    system = find_system(principal, asked) if asked else first
    if system is None:
        raise NotFound(_("You are a member of no system yet."))
    return system


def _choices(system: System) -> Mapping[str, list[str]]:
    releases = Release.objects.filter(system=system).order_by("-pk").values_list("name", flat=True)
    return {
        "release": list(releases[:_MOST_RELEASES]),
        "status": [str(status) for status in Finding.Status],
        "probe": list(PROBES),
        "stale": ["no", "yes"],
    }


def _narrow(
    rows: QuerySet[Finding],
    asked: Mapping[str, str],
    choices: Mapping[str, list[str]],
    latest: Release | None,
) -> QuerySet[Finding]:
    for name in ("status", "probe", "stale"):
        if name in asked and asked[name] not in choices[name]:
            raise NotFound(_("There is no such %(name)s.") % {"name": name})
    if "release" in asked:
        rows = rows.filter(run__release__name=asked["release"])
    if "status" in asked:
        rows = rows.filter(status=asked["status"])
    if "probe" in asked:
        rows = rows.filter(run__spec__probe=asked["probe"])
    if "stale" in asked and latest is not None:
        fresh = fresh_for(latest)
        rows = rows.exclude(fresh) if asked["stale"] == "yes" else rows.filter(fresh)
    return rows


def _shown(
    page: list[Finding], rows: QuerySet[Finding], latest: Release | None
) -> list[tuple[Finding, str, bool]]:
    """Return each finding with its number, and whether it is stale."""
    keys = [each.pk for each in page]
    fresh = (
        set(rows.filter(fresh_for(latest), pk__in=keys).values_list("pk", flat=True)) if latest else set(keys)
    )
    return [
        (
            each,
            figure(value=each.value, unit=each.unit, low=each.low, high=each.high, n=each.n),
            each.pk not in fresh,
        )
        for each in page
    ]


def _found_by(run: ProbeRun) -> list[tuple[Finding, float | None]]:
    """Return what a run found, with the level that its q was judged at."""
    return [(each, read_number(each.verdict, "level")) for each in run.findings.all()]
