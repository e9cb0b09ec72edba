"""Findings, with what they do not show beside what they support."""

from __future__ import annotations

from django.contrib import admin

from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, figure, link
from evidence.admin.frame.filters import related
from interpret.models import Finding


@admin.register(Finding)
class FindingAdmin(ReadOnlyModelAdmin):
    list_display = ["title", "stands", "statistic", "measured", "rung", "run_link", "observed_at"]
    list_filter = [related("run__spec__system"), "status", "rung"]
    list_select_related = ["run__spec"]
    list_defer = ["internals", "provenance", "baseline", "null", "control", "stability", "verdict"]
    search_fields = ["title", "statistic"]
    ordering = ["-id"]
    fields = [
        "title", "stands", "statistic", "measured", "p_value", "q_value", "family", "supports", "does_not_show",
        "holds_for_as_json", "baseline_as_json", "null_as_json", "control_as_json", "stability_as_json", "rung", "run",
        "verdict_as_json",
        "provenance_as_json", "internals_as_json", "digest", "observed_at",
    ]  # fmt: skip

    @admin.display(description="Status", ordering="status")
    def stands(self, finding: Finding) -> str:
        return badge(finding.status)

    @admin.display(description="Value")
    def measured(self, finding: Finding) -> str:
        return figure(value=finding.value, unit=finding.unit, low=finding.low, high=finding.high, n=finding.n,
                      confidence=finding.confidence)  # fmt: skip

    @admin.display(description="Run")
    def run_link(self, finding: Finding) -> str:
        return link(finding.run, finding.run.spec.probe)
