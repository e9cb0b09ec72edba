"""Dictionaries of a system's models, each with what it is worth, and features by what they may answer to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence.access import Principal, visible_to
from evidence.admin.frame.display import record_url
from evidence.admin.frame.record_names import name_of
from evidence.errors import NotFound
from evidence.figures import in_percent
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.paging import page_of
from evidence.worded import worded
from interpret.models import Dictionary, Feature
from interpret.pages.addresses import dictionary_url
from interpret.selectors.features import features_that_may_answer, with_described

_ON_A_PAGE: Final = 50
_RELATED: Final = ("system", "artefact_version", "model_version")
_ORDER: Final = ("dictionary", "second seed", "frozen decoder", "principal components", "dead model")
# Of the card's figures, those that are shown, by where they stand in a row of it.
_FIGURES: Final = (
    ("quality", "explained_without"),
    ("quality", "l0"),
    ("recovered", "cross_entropy", "zero"),
    ("recovered", "cross_entropy", "mean"),
)


@dataclass(frozen=True, slots=True)
class CardRow:
    """A coder of a card, with its figures as text; a figure that the card does not have is a dash."""

    name: str
    figures: tuple[str, ...]
    dead: str


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """A feature in a list.

    Attributes:
        chosen: how well it tells the concept that is asked for on the words a label is chosen by; empty: none is.
    """

    feature: Feature
    url: str
    density: str
    chosen: str


@page_view(parameters=["page"])
def dictionaries(request: HttpRequest, principal: Principal) -> Page:
    """Show the dictionaries of all systems that one may see."""
    _check_sees(principal)
    rows = with_described(visible_to(Dictionary.objects.select_related(*_RELATED), principal)).order_by("-pk")
    page = page_of(request, rows, _ON_A_PAGE)
    context = {"rows": page, "shown": [(each, dictionary_url(each)) for each in page], "asked": ""}
    return Page("pages/dictionaries.html", gettext_lazy("Dictionaries"), context, _trail())


@page_view(parameters=["concept", "page"])
def dictionary(request: HttpRequest, principal: Principal, dictionary_id: int) -> Page:
    """Show what a dictionary is worth beside its rivals, and its features."""
    rows = with_described(visible_to(Dictionary.objects.select_related(*_RELATED), principal))
    found = rows.filter(pk=dictionary_id).first()
    if found is None:
        raise NotFound(worded("There is no such dictionary among those that you may see."))
    names = found.concepts["names"]
    concept = request.GET.get("concept", "")
    if concept and concept not in names:
        raise NotFound(worded("The features of this dictionary were not held against such a concept."))
    features = (
        features_that_may_answer(found, concept) if concept else found.features.order_by("-density", "number")
    )
    page = page_of(request, features.defer("examples"), _ON_A_PAGE)
    context: dict[str, Any] = {
        "dictionary": found,
        "card": list(_card_rows(found.card)),
        "concepts": names,
        "concept": concept,
        "rows": page,
        "shown": [_shown(each, found, concept) for each in page],
        "asked": urlencode({"concept": concept}) if concept else "",
        "record": record_url(found),
    }
    return Page("pages/dictionary.html", name_of(found), context, _trail(all_of_them=True))


def _check_sees(principal: Principal) -> None:
    if not principal.sees_internals:
        raise NotFound(worded("There is nothing here, or it belongs to a system you are not a member of."))


def _trail(*, all_of_them: bool = False) -> list[Step]:
    findings = Step(gettext_lazy("Findings"), reverse("admin:findings"))
    listed = Step(gettext_lazy("Dictionaries"), reverse("admin:dictionaries"))
    return [findings, listed] if all_of_them else [findings]


def _shown(each: Feature, found: Dictionary, concept: str) -> FeatureRow:
    chosen = f"{each.answers[found.concepts['names'].index(concept)][0]:.2f}" if concept else ""
    return FeatureRow(each, reverse("admin:feature", args=[each.pk]), f"{each.density:.2%}", chosen)


def _card_rows(card: Mapping[str, Any]) -> Iterator[CardRow]:
    rows = card.get("rows", {})
    for name in sorted(rows, key=lambda each: _ORDER.index(each) if each in _ORDER else len(_ORDER)):
        told = rows[name]
        dead = _at(told, ("quality", "dead"))
        yield CardRow(
            name,
            tuple(_as_text(_at(told, path)) for path in _FIGURES),
            in_percent(dead) if isinstance(dead, float) else "–",
        )


def _at(told: object, path: tuple[str, ...]) -> object:
    for name in path:
        told = told.get(name) if isinstance(told, Mapping) else None
    return told


def _as_text(figure: object) -> str:
    """Return a figure of a card with its interval; without it, where the card says that it promises nothing."""
    if not isinstance(figure, Mapping) or not {"value", "low", "high"} <= figure.keys():
        return "–"
    if figure.get("doubt"):
        return _("%(value)s, no sure interval") % {"value": f"{figure['value']:.3f}"}
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
