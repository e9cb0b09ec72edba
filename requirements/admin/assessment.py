"""Assessments: a criterion judged for a release, with all that was read to judge it."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evidence import clock, drawings
from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, beside, drawing, figure, link, tone_of
from evidence.admin.frame.filters import related
from evidence.admin.frame.on_chain import OnChainFilter
from evidence.admin.frame.units import unit_in_words, whole_of
from evidence.admin.frame.words import in_words
from evidence.models import Citation, Claim, EvalSample, Review
from evidence.pages.reader import principal_of
from evidence.pages.refusals import is_english
from evidence.reason_words import say_title
from requirements.admin.criterion import holds_when
from requirements.drafts import Comparator
from requirements.models import Assessment
from requirements.selectors.assessment_codes import find_code
from requirements.selectors.observations import (
    SHOWN,
    Observation,
    deciding_part,
    name_of_slice,
    worst_observations,
)
from requirements.selectors.standings import standing
from requirements.telling import slice_in

_READER: Final = "reader_of_page"
_NUMBERS: Final = ("value", "unit", "low", "high", "n", "bound_confidence")


@admin.register(Assessment)
class AssessmentAdmin(ReadOnlyModelAdmin):
    list_display = ["judged", "criterion_link", "release_link", "measured", "as_of"]
    list_filter = [related("release__system"), related("release"), "verdict", OnChainFilter]
    list_select_related = ["criterion__version__requirement", "release__system"]
    list_defer = ["inputs", "slices"]
    search_fields = ["criterion__key", "criterion__version__requirement__key"]
    ordering = ["-id"]
    chain_lookups = ["criterion__version__id__exact", "criterion__version__requirement__id__exact"]
    fields = [
        "judged", "stands", "criterion", "release", "as_of", "told", "measured", "against_threshold",
        "worst_observations", "better", "observed_from", "observed_to", "slices_as_json", "inputs_as_json",
        "inputs_digest", "code_version", "created_at",
    ]  # fmt: skip
    chain = [
        ChainLink("Traces of the release", "evidence.trace", "release__id__exact", "release_id"),
        ChainLink("Eval runs of the release", "evidence.evalrun", "release__id__exact", "release_id"),
        ChainLink(
            "Gate decisions on the release", "evidence.gatedecision", "release__id__exact", "release_id"
        ),
        ChainLink(
            "The criterion through time", "requirements.assessment", "criterion__id__exact", "criterion_id"
        ),
    ]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row of the page, with who reads it: what is listed on it hangs on that."""
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            setattr(found, _READER, principal_of(request))
        return found

    @admin.display(description="Verdict", ordering="verdict")
    def judged(self, assessment: Assessment) -> str:
        return badge(assessment.verdict)

    @admin.display(description=_("Stands now"))
    def stands(self, assessment: Assessment) -> str:
        """Say verdict and freshness apart: met and stale is neither a pass nor not met."""
        now = standing(assessment, clock.now())
        if not now.is_stale:
            return format_html("{} · {}", badge(now.verdict.value), _("fresh"))
        if now.stale_since is None:
            return format_html("{} · {}", badge(now.verdict.value), _("stale"))
        since = _("stale since %(day)s") % {"day": date_format(localtime(now.stale_since), "DATE_FORMAT")}
        return format_html("{} · {}", badge(now.verdict.value), since)

    @admin.display(description=_("Worst observations"))
    def worst_observations(self, assessment: Assessment) -> str:
        """List what speaks against the criterion, of what the reader may see."""
        reader = getattr(assessment, _READER, None)
        found = [] if reader is None else worst_observations(assessment, reader)
        if not found:
            return "–"
        rows = ((link(each.row, each.name), _says(each)) for each in found)
        listed = format_html('<ul class="tb-found">{}</ul>', format_html_join("", "<li>{} {}</li>", rows))
        if len(found) < SHOWN:
            return listed
        return format_html("{}<p>{}</p>", listed, _("No more than %(n)s are listed.") % {"n": SHOWN})

    @admin.display(description="Direction")
    def better(self, assessment: Assessment) -> str:
        return str(in_words(assessment.direction))

    @admin.display(description="Criterion")
    def criterion_link(self, assessment: Assessment) -> str:
        return link(assessment.criterion)

    @admin.display(description="Release")
    def release_link(self, assessment: Assessment) -> str:
        return link(assessment.release)

    @admin.display(description="Detail")
    def told(self, assessment: Assessment) -> str:
        """Say why, in the reader's language, and beside it the sentence that was stored."""
        if is_english():
            return assessment.detail
        code = find_code(assessment, getattr(assessment, _READER, None))
        return beside(say_title(code), assessment.detail)

    @admin.display(description=_("Measured"))
    def measured(self, assessment: Assessment) -> str:
        return measured_with_slice(assessment)

    @admin.display(description=_("Against its threshold"))
    def against_threshold(self, assessment: Assessment) -> str:
        """Draw the value on its way to where the criterion wants it."""
        criterion, part = assessment.criterion, deciding_part(assessment)
        shown = {name: part.get(name, getattr(assessment, name)) for name in _NUMBERS}
        if shown["value"] is None:
            return "–"
        measured = figure(**shown, threshold=criterion.threshold)
        if part:
            measured = _("%(measured)s, in the slice %(slice)s, which decided") % {
                "measured": measured, "slice": name_of_slice(part["where"]),
            }  # fmt: skip
        drawn = drawing(
            drawings.bullet(
                value=shown["value"], low=shown["low"], high=shown["high"], threshold=criterion.threshold,
                at_least=criterion.comparator == Comparator.AT_LEAST, unit=unit_in_words(assessment.unit),
                least=whole_of(assessment.unit), tone=tone_of(assessment.verdict),
                title=f"{criterion}: {in_words(assessment.verdict)}", threshold_label=holds_when(criterion),
                caption=measured,
            )
        )  # fmt: skip
        when = date_format(localtime(assessment.as_of), "SHORT_DATETIME_FORMAT")
        caption = _("%(measured)s, as of %(when)s") % {"measured": measured, "when": when}
        return format_html('<figure class="tb-figure">{}<figcaption>{}</figcaption></figure>', drawn, caption)


def measured_with_slice(assessment: Assessment) -> str:
    """Return what was measured of the whole, and which slice decided, where one did: it may look better than that."""
    numbers = {name: getattr(assessment, name) for name in _NUMBERS}
    measured = figure(**numbers, threshold=assessment.criterion.threshold)
    named = slice_in(assessment.detail)
    if not named:
        return measured
    return gettext("%(measured)s · decided by the slice %(slice)s") % {"measured": measured, "slice": named}


def _says(observation: Observation) -> str:
    """Return what of an observation speaks against the criterion, in the reader's language."""
    match observation.row:
        case Claim(ordinal=ordinal):
            return gettext("claim %(n)s") % {"n": ordinal}
        case Citation(document_ref=document, verdict=verdict):
            return f"{document}: {in_words(verdict)}"
        case Review(decision=decision, reason_code=code):
            return f"{in_words(decision)} {in_words(code)}".strip()
        case EvalSample(value=None, metric=metric, status=status):
            return f"{metric}: {in_words(status)}"
        case _:
            return observation.says
