"""Requirements by release: what each comes to for up to six releases of a system, beside one another.

A column whose verdicts count what colleagues said of answers that the reader may still judge says so and shows nothing:
neither its figures, nor in what is marked as changed, nor in what a list is narrowed to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from evidence import clock
from evidence.access import Principal
from evidence.admin.frame.csv_export import EXPORT, check_export
from evidence.admin.frame.display import badge, list_url, shorten
from evidence.admin.frame.word_search import find_words
from evidence.admin.frame.words import in_words
from evidence.api.inputs import unknown_choice
from evidence.errors import InvalidInput
from evidence.models import System
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.paging import page_of
from evidence.search_terms import fault_in_words
from evidence.vocabulary import Layer
from requirements import acts
from requirements.by_release_file import by_release_csv
from requirements.covered import Standing
from requirements.models import Baseline, RequirementVersion
from requirements.pages.systems import chosen_system
from requirements.selectors.baselines import find_baseline
from requirements.selectors.by_release import (
    MOST_RELEASES,
    Cell,
    Column,
    Compared,
    ComparedRelease,
    LastDecision,
    Matrix,
    compare_releases,
    matrix_of,
    seen_columns,
)

_ON_A_PAGE: Final = 100  # requirements
_MOST_GATES: Final = 3  # decisions at the head of a column
_OFFERED: Final = 20  # baselines, the newest; another is typed
_STATEMENT: Final = 90  # characters of its start
_SEARCHED: Final = ("requirement__key", "external_id", "statement")
_RELEASES: Final = "releases"
_CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "standing": [each.value for each in Standing],
    "layer": [each.value for each in Layer],
    "changed": ["yes"],
}
# What each standing says, from what is a pass to what is least.
_LEGEND: Final[Mapping[Standing, StrOrPromise]] = {
    Standing.MET: gettext_lazy("each criterion holds, by evidence that is recent enough: only this is a pass"),
    Standing.SUSPECT: gettext_lazy("each criterion holds, and a link of the requirement has to be looked at again"),
    Standing.INSUFFICIENT: gettext_lazy("too little is known of a criterion"),
    Standing.STALE: gettext_lazy("the evidence of a criterion is too old, since the day beside it"),
    Standing.UNTESTED: gettext_lazy("a criterion was never assessed for this release, or there is no criterion"),
    Standing.NOT_MET: gettext_lazy("a criterion is known not to hold, however old that is"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """The head of a column, and what all requirements come to, not those of a page alone."""

    of: ComparedRelease
    decisions: Sequence[LastDecision]
    n_more_gates: int
    is_kept: bool  # from the reader, whom its verdicts could lead
    totals: Sequence[
        tuple[SafeString, int, str]
    ]  # what requirements come to, how many, and where they are listed


@dataclass(frozen=True, slots=True)
class ShownCell:
    """A cell of the table."""

    standing: SafeString
    url: str  # the coverage of the release, narrowed to the requirement
    age: str
    n: int
    was: str  # what it is for the release before, where that is another; empty: it is the same
    told: SafeString  # what changed, n and age


@page_view(
    permission="requirements.view_assessment",
    parameters=["system", _RELEASES, "baseline", *_CHOICES, "q", "page", EXPORT],
    repeatable=[_RELEASES],
    may_be_empty=True,
)
def by_release(request: HttpRequest, principal: Principal) -> Page | HttpResponse:
    """Show requirements against releases, or write all of it as CSV."""
    system, systems = chosen_system(request, principal)
    acts.check_can_read_links(principal, system)
    narrowed = _narrowed(request)
    asked = [text for text in request.GET.getlist(_RELEASES) if text.strip()]
    compared = compare_releases(principal, system, asked)
    baseline = find_baseline(system, named) if (named := request.GET.get("baseline", "")) else None
    see = _Seeing(
        principal, compared, matrix_of(system, [each.release for each in compared.releases], baseline)
    )
    found = see.find(system, narrowed)
    if EXPORT in request.GET:
        return _csv(request, system, baseline, see, found)
    address = [("system", system.key), *((_RELEASES, each) for each in asked)]
    address += [("baseline", baseline.name)] if baseline else []
    rows = page_of(request, found, _ON_A_PAGE)
    context: dict[str, Any] = {
        "system": system,
        "systems": systems,
        "compared": compared,
        "most": MOST_RELEASES,
        "chosen": [each.release.name for each in compared.releases],
        "baseline": baseline,
        "baselines": Baseline.objects.filter(system=system).order_by("-pk").values_list("name", flat=True)[:_OFFERED],
        "choices": _CHOICES,
        "narrowed": narrowed,
        "columns": see.columns(baseline),
        "n_all": len(see.matrix.rows),
        "rows": rows,
        "shown": see.rows(list(rows), baseline),
        "legend": [(badge(standing.value), said) for standing, said in _LEGEND.items()],
        "unnarrowed": urlencode(address),
        "listing": urlencode([*address, *narrowed.items()]),
        "at": clock.now(),
    }  # fmt: skip
    trail = [Step(gettext_lazy("Requirements"), list_url("requirements.requirementversion"))]
    return Page("pages/by_release.html", gettext_lazy("Requirements by release"), context, trail)


def _narrowed(request: HttpRequest) -> dict[str, str]:
    """Return what rows are narrowed to, of which nothing is empty.

    Raises:
        InvalidInput: with each value that is no choice; or too many words are sought.
    """
    narrowed = {name: value for name in (*_CHOICES, "q") if (value := request.GET.get(name, "").strip())}
    too_many = fault_in_words(narrowed.get("q", ""))
    if too_many is not None:
        raise InvalidInput(too_many)
    faults = [
        unknown_choice(narrowed[name], choices, part="query", path=name)
        for name, choices in _CHOICES.items()
        if name in narrowed and narrowed[name] not in choices
    ]
    if faults:
        raise InvalidInput(faults=faults)
    return narrowed


class _Seeing:
    """What somebody sees of a matrix: `seen` are the columns that could not lead them."""

    def __init__(self, principal: Principal, compared: Compared, matrix: Matrix) -> None:
        self.compared, self.matrix = compared.releases, matrix
        self.seen = seen_columns(principal, compared, matrix)

    def find(self, system: System, narrowed: Mapping[str, str]) -> list[int]:
        """Return which rows are asked for."""
        versions = None
        if "q" in narrowed:
            of_system = RequirementVersion.objects.filter(requirement__system=system)
            versions = set(find_words(of_system, _SEARCHED, narrowed["q"])[0].values_list("pk", flat=True))
        standing = narrowed.get("standing")
        return self.matrix.find(
            self.seen,
            standing=Standing(standing) if standing else None,
            layer=narrowed.get("layer", ""),
            changed="changed" in narrowed,
            versions=versions,
        )

    def columns(self, baseline: Baseline | None) -> list[ShownColumn]:
        found = []
        for place, of in enumerate(self.compared):
            is_kept = place not in self.seen
            totals = [] if is_kept else _totals(self.matrix.columns[place], of, baseline)
            n_more = max(0, len(of.decisions) - _MOST_GATES)
            found.append(ShownColumn(of, of.decisions[:_MOST_GATES], n_more, is_kept, totals))
        return found

    def rows(self, places: Sequence[int], baseline: Baseline | None) -> list[dict[str, Any]]:
        """Return these rows, each with a cell for each release; a word for what is kept from the reader."""
        versions = [self.matrix.rows[each].version_id for each in places]
        statements = dict(RequirementVersion.objects.filter(pk__in=versions).values_list("pk", "statement"))
        look, tell = cache(badge), cache(_tell)  # of six hundred cells many say the same
        of_baseline = {"baseline": baseline.name} if baseline else {}
        addresses = [_coverage_url(each, None) for each in self.compared]
        found = []
        for place in places:
            row = self.matrix.rows[place]
            asked = urlencode({"requirement": row.key, **of_baseline})
            urls = [f"{address}?{asked}" for address in addresses]
            language, text = _in_language(statements.get(row.version_id, {}))
            found.append(
                {"of": row, "language": language, "statement": shorten(text, _STATEMENT),
                 "cells": self._cells(place, urls, look, tell)}
            )  # fmt: skip
        return found

    def _cells(
        self,
        place: int,
        urls: Sequence[str],
        look: Callable[[str], SafeString],
        tell: Callable[..., SafeString],
    ) -> list[ShownCell | str]:
        n_criteria = self.matrix.rows[place].n_criteria
        cells: list[ShownCell | str] = [_("kept from you")] * len(urls)
        older: tuple[int, Cell] | None = None
        for column in reversed(self.seen):
            cell = self.matrix.columns[column].cell(place)
            if cell is None:
                cells[column] = "–"
                continue
            was = ""
            if older is not None and older[1].standing is not cell.standing:
                release = self.compared[older[0]].release.name
                was = _("changed: %(standing)s in %(release)s") % {
                    "standing": in_words(older[1].standing.value), "release": release,
                }  # fmt: skip
            age = _age(cell) if n_criteria else _("no criterion")
            told = tell(was, cell.n if n_criteria else None, age)
            cells[column] = ShownCell(look(cell.standing.value), urls[column], age, cell.n, was, told)
            older = column, cell
        return cells


def _coverage_url(of: ComparedRelease, baseline: Baseline | None, **narrowed: str) -> str:
    """Return the coverage of a release, of the same baseline."""
    asked = {**narrowed, **({"baseline": baseline.name} if baseline else {})}
    address = reverse("admin:coverage", args=[of.release.pk])
    return f"{address}?{urlencode(asked)}" if asked else address


def _totals(
    column: Column, of: ComparedRelease, baseline: Baseline | None
) -> list[tuple[SafeString, int, str]]:
    counted = column.by_standing()
    return [
        (badge(standing.value), counted[standing], _coverage_url(of, baseline, standing=standing.value))
        for standing in _LEGEND
        if counted[standing]
    ]


def _tell(was: str, n: int | None, age: str) -> SafeString:
    """Return what stands below a standing: what changed, of how many observations, and how fresh they are."""
    changed = format_html('<div class="tb-was">{}</div>', was) if was else ""
    said = " · ".join(each for each in ("" if n is None else f"n {n}", age) if each)
    return format_html('{}<div class="tb-quiet">{}</div>', changed, said)


def _age(cell: Cell) -> str:
    """Return in words how fresh the evidence is; empty where it does not age, or where there is none."""
    if cell.stale_since is not None:
        return _("stale since %(day)s") % {"day": f"{cell.stale_since:%Y-%m-%d}"}
    if cell.fresh_until is not None:
        return _("fresh until %(day)s") % {"day": f"{cell.fresh_until:%Y-%m-%d}"}
    return ""


def _in_language(statement: Mapping[str, str]) -> tuple[str, str]:
    """Return a statement in the reader's language, else in the first that it was written in, and which that is."""
    language = (get_language() or "").lower()
    own = next((each for each in statement if each.lower() == language), next(iter(statement), ""))
    return own, statement.get(own, "")


def _csv(
    request: HttpRequest, system: System, baseline: Baseline | None, see: _Seeing, places: Sequence[int]
) -> HttpResponse:
    """Return the rows that are asked for, all pages of them, as a file."""
    check_export(request)
    versions = [see.matrix.rows[each].version_id for each in places]
    stored = RequirementVersion.objects.filter(requirement__system=system, pk__in=versions)
    statements = {pk: _in_language(said)[1] for pk, said in stored.values_list("pk", "statement")}
    releases = [each.release for each in see.compared]
    text = by_release_csv(see.matrix, places, releases, see.seen, statements, (system, baseline, clock.now()))
    name = f"requirements-by-release-{clock.now():%Y-%m-%d}.csv"
    return HttpResponse(
        text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
