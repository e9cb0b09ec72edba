"""Assessments: a criterion judged for a release, with all that was read to judge it."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from evidence import drawings
from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, drawing, figure, link, tone_of
from evidence.admin.frame.filters import related
from evidence.admin.frame.words import in_words
from requirements.admin.criterion import holds_when
from requirements.drafts import Comparator
from requirements.models import Assessment


@admin.register(Assessment)
class AssessmentAdmin(ReadOnlyModelAdmin):
    list_display = ["judged", "criterion_link", "release_link", "measured", "as_of"]
    list_filter = [related("release__system"), related("release"), "verdict"]
    list_select_related = ["criterion__version__requirement", "release__system"]
    list_defer = ["inputs", "slices"]
    search_fields = ["criterion__key", "criterion__version__requirement__key"]
    ordering = ["-id"]
    chain_lookups = ["criterion__version__id__exact", "criterion__version__requirement__id__exact"]
    fields = [
        "judged", "criterion", "release", "as_of", "detail", "measured", "against_threshold", "direction",
        "observed_from", "observed_to", "slices_as_json", "inputs_as_json", "inputs_digest", "code_version",
        "created_at",
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

    @admin.display(description="Verdict", ordering="verdict")
    def judged(self, assessment: Assessment) -> str:
        return badge(assessment.verdict)

    @admin.display(description="Criterion")
    def criterion_link(self, assessment: Assessment) -> str:
        return link(assessment.criterion)

    @admin.display(description="Release")
    def release_link(self, assessment: Assessment) -> str:
        return link(assessment.release)

    @admin.display(description="Measured")
    def measured(self, assessment: Assessment) -> str:
        return figure(value=assessment.value, unit=assessment.unit, low=assessment.low, high=assessment.high,
                      n=assessment.n, bound_confidence=assessment.bound_confidence)  # fmt: skip

    @admin.display(description=_("Against its threshold"))
    def against_threshold(self, assessment: Assessment) -> str:
        """Draw the value on its way to where the criterion wants it."""
        if assessment.value is None:
            return "–"
        criterion = assessment.criterion
        return drawing(
            drawings.bullet(
                value=assessment.value, low=assessment.low, high=assessment.high, threshold=criterion.threshold,
                at_least=criterion.comparator == Comparator.AT_LEAST, unit=assessment.unit,
                tone=tone_of(assessment.verdict), title=f"{criterion}: {in_words(assessment.verdict)}",
                threshold_label=holds_when(criterion), caption=self.measured(assessment),
            )
        )  # fmt: skip
