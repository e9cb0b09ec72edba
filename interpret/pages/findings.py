"""The findings of a system, newest first; and everything that was tried on one of its models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from evidence.access import Principal, visible_to
from evidence.admin.frame.display import figure
from evidence.admin.frame.people import names_of, show_actor
from evidence.errors import NotFound
from evidence.models import Release, System
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.paging import page_of
from evidence.worded import worded
from interpret.finding_parts import read_number
from interpret.models import Finding, ProbeRun
from interpret.pages.addresses import findings_url
from interpret.pages.systems import chosen_system, systems_of
from interpret.registry import PROBES
from interpret.selectors.findings import fresh_for, latest_release
from interpret.selectors.ledger import count_tried, history_for_next, models_tried, runs_on_model

ANY: Final = "all"  # what the form sends where nothing is chosen
_ON_A_PAGE: Final = 50  # findings, and runs
_LONGEST: Final = 24  # characters of a parameter
_MOST_RELEASES: Final = 100  # of the choices, newest first
_LONG: Final = ("internals", "provenance", "baseline", "null", "control", "stability", "verdict", "holds_for")
_FILTERS: Final = ("release", "status", "probe", "stale")


@dataclass(frozen=True, slots=True)
class TriedRun:
    """A run as the ledger shows it. `beyond`: the parameters that are others than the probe's own."""

    run: ProbeRun
    asked_by: str
    beyond: list[tuple[str, str]]
    found: list[tuple[Finding, float | None]]


@page_view(parameters=["system", *_FILTERS, "page"])
def findings(request: HttpRequest, principal: Principal) -> Page:
    """Show the findings of a system, by release, status, probe, or whether they are stale."""
    systems = systems_of(principal)
    system = chosen_system(request, principal, systems)
    latest = latest_release(system)
    choices = _choices(system)
    asked = {name: value for name in _FILTERS if (value := request.GET.get(name, ANY)) != ANY}
    rows = visible_to(Finding.objects.filter(run__spec__system=system), principal)
    narrowed = _narrow(rows, asked, choices, latest)
    related = narrowed.select_related("run__spec", "run__release__system").defer(*_LONG).order_by("-pk")
    page = page_of(request, related, _ON_A_PAGE)
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
    systems = systems_of(principal)
    system = chosen_system(request, principal, systems)
    runs = visible_to(ProbeRun.objects.all(), principal)
    models = models_tried(runs, system)
    model = request.GET.get("model") or next(iter(models), "")
    if model and model not in models:
        raise NotFound(worded("No probe was asked of such a model here."))
    every = runs_on_model(runs, system, model)
    rows = page_of(request, every, _ON_A_PAGE)
    names = names_of(run.queued_by for run in rows)
    context = {
        "system": system,
        "systems": systems,
        "models": models,
        "model": model,
        "rows": rows,
        "shown": [_tried(run, names) for run in rows],
        "counted": count_tried(every),
        "next": history_for_next(system, model),
        "asked": urlencode({"system": system.key, "model": model}),
    }
    trail = [Step(gettext_lazy("Findings"), findings_url(system))]
    return Page("pages/tried.html", gettext_lazy("Everything tried on this model"), context, trail)


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
            raise NotFound(worded("There is no such %(name)s.", name=name))
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


def _tried(run: ProbeRun, names: Mapping[str, str]) -> TriedRun:
    """Return a row of the ledger: what a run found, with the level that each q was judged at."""
    found = [(each, read_number(each.verdict, "level")) for each in run.findings.all()]
    return TriedRun(run, show_actor(run.queued_by, names), _beyond_defaults(run), found)


def _beyond_defaults(run: ProbeRun) -> list[tuple[str, str]]:
    """Return the parameters that are others than the probe's own; of a probe that is not known any more, all."""
    entry = PROBES.get(run.spec.probe)
    given: dict[str, object] = {}
    if entry is not None:
        given = {name: parameter.default for name, parameter in entry.parameters.items()}
        given |= {name: choice.names[0] for name, choice in entry.choices.items()}
    others = {name: value for name, value in run.spec.parameters.items() if given.get(name) != value}
    return [(name, str(value)[:_LONGEST]) for name, value in others.items()]
