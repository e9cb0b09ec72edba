"""A feature of a dictionary: where it fires, what it raises, and what people call it. It claims nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from math import nan
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from evidence.access import Principal, visible_to
from evidence.admin.frame.display import record_url
from evidence.admin.frame.people import names_of, show_actor
from evidence.admin.frame.record_names import name_of
from evidence.errors import EvidenceError, NotFound
from evidence.figures import in_figures, in_percent
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.refusals import refusal
from evidence.pages.sent_forms import check_names
from evidence.worded import worded
from interpret.acts import can_label_feature
from interpret.dictionaries.described import Answer
from interpret.models import Feature, FeatureLabel
from interpret.pages.addresses import dictionary_url
from interpret.selectors.features import Tried, areas_to_choose_by, label_of, labels_that_count
from interpret.services.dictionaries import label_feature


@dataclass(frozen=True, slots=True)
class Judged:
    """A label, with how the feature does on words that nobody chose by, and what it is held against."""

    label: FeatureLabel
    author: str
    held_out: str
    random: str
    random_largest: str
    bag_of_tokens: str
    tried: Tried
    level: str  # what its look may leave to chance
    chance: str  # what it does


@page_view(permission="interpret.view_feature")
def feature(request: HttpRequest, principal: Principal, feature_id: int) -> Page | HttpResponseBase:
    """Show a feature to whoever sees internals; put their label on record."""
    rows = visible_to(Feature.objects.select_related("dictionary__system"), principal)
    found = rows.select_related("dictionary__artefact_version").filter(pk=feature_id).first()
    if found is None:
        raise NotFound(worded("There is no such feature among those that you may see."))
    if request.method == "POST":
        check_names(request, also=["concept", "words"])
        return _label(request, principal, found)
    labels = labels_that_count(found)
    names = names_of(label.labelled_by for label, _tried in labels)
    context: dict[str, Any] = {
        "feature": found,
        "dictionary": found.dictionary,
        "density": f"{found.density:.2%}",
        "examples": [
            (_quantile(quantile), list(alike))
            for quantile, alike in groupby(found.examples, key=lambda one: one["quantile"])
        ],
        "chosen": [(name, f"{area:.2f}") for name, area in areas_to_choose_by(found)],
        "labels": [_judged(label, tried, names) for label, tried in labels],
        "own": label_of(found, principal.actor),
        "may_label": can_label_feature(principal, found),
        "record": record_url(found),
    }
    trail = [
        Step(gettext_lazy("Dictionaries"), reverse("admin:dictionaries")),
        Step(name_of(found.dictionary), dictionary_url(found.dictionary)),
    ]
    title = _("Feature %(number)d") % {"number": found.number}
    return Page("pages/feature.html", title, context, trail)


def _label(request: HttpRequest, principal: Principal, found: Feature) -> HttpResponseRedirect:
    concept, words = request.POST.get("concept", ""), request.POST.get("words", "").strip()
    try:
        label = label_feature(principal=principal, feature=found, concept=concept, words=words)
    except EvidenceError as exc:
        messages.error(request, refusal(exc))
    else:
        said = _("Your label is on record.") if label.concept else _("Your label is taken back.")
        messages.success(request, said)
    return HttpResponseRedirect(reverse("admin:feature", args=[found.pk]))


def _quantile(quantile: float) -> StrOrPromise:
    named = {1.0: _("Largest"), 0.0: _("Least")}
    return named.get(quantile, in_percent(quantile))


def _judged(label: FeatureLabel, tried: Tried, names: Mapping[str, str]) -> Judged:
    told = dict(label.figures)
    bag = told.pop("bag_of_tokens")
    answer = Answer(chosen=nan, **told)  # by what it was chosen is not what it is judged by
    return Judged(
        label,
        show_actor(label.labelled_by, names),
        f"{answer.held_out:.2f} [{answer.low:.2f}, {answer.high:.2f}]",
        f"{answer.random:.2f}",
        f"{answer.random_largest:.2f}",
        f"{bag:.2f}",
        tried,
        level=_percent(tried.look.level),
        chance=_percent(tried.look.chance),
    )


def _percent(share: float) -> str:
    """Return a share that may be very small, with two digits that are not zero."""
    return f"{in_figures(100 * share, 2)}%"
