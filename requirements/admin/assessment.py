"""Assessments: a criterion judged for a release, with all that was read to judge it."""

from __future__ import annotations

from django.contrib import admin

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, figure, link
from evidence.admin.frame.filters import related
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
        "judged", "criterion", "release", "as_of", "detail", "measured", "direction", "observed_from", "observed_to",
        "slices_as_json", "inputs_as_json", "inputs_digest", "code_version", "created_at",
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
