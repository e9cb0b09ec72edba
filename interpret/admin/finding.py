"""Findings, with what they do not show beside what they support."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, figure, link
from evidence.admin.frame.filters import related
from interpret.models import Finding
from interpret.pages.limits import show_limits
from interpret.selectors.calibration import not_calibrated


class CalibratedFilter(admin.SimpleListFilter):
    """Supported findings of which nobody measured how often such are right."""

    title = _("calibration")
    parameter_name = "calibrated"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, StrOrPromise]]:
        del request, model_admin
        return [("no", _("supported, nothing calibrated"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        return queryset if self.value() is None else not_calibrated(queryset)


@admin.register(Finding)
class FindingAdmin(ReadOnlyModelAdmin):
    list_display = ["title", "stands", "statistic", "measured", "rung", "run_link", "observed_at"]
    list_filter = [related("run__spec__system"), "status", "rung", CalibratedFilter]
    list_select_related = ["run__spec"]
    list_defer = ["internals", "provenance", "baseline", "null", "control", "stability", "verdict"]
    search_fields = ["title", "statistic"]
    ordering = ["-id"]
    fields = [
        "title", "stands", "statistic", "measured", "p_value", "q_value", "family", "supports", "limits",
        "holds_for_as_json", "baseline_as_json", "null_as_json", "control_as_json", "stability_as_json", "rung", "run",
        "verdict_as_json",
        "provenance_as_json", "internals_as_json", "digest", "observed_at",
    ]  # fmt: skip

    change_list_template = "admin/interpret/findings.html"

    def chain_of(self, request: HttpRequest, object_id: str | None) -> list[tuple[str, str]]:
        """Lead to the page that shows a finding in pictures."""
        chain = super().chain_of(request, object_id)
        finding = self.get_object(request, object_id) if object_id else None
        if finding is None:
            return chain
        return [(gettext("Shown in pictures"), reverse("admin:finding", args=[finding.pk])), *chain]

    @admin.display(description="Status", ordering="status")
    def stands(self, finding: Finding) -> str:
        return badge(finding.status)

    @admin.display(description="Does not show")
    def limits(self, finding: Finding) -> SafeString | str:
        return show_limits(finding.does_not_show)

    @admin.display(description="Value")
    def measured(self, finding: Finding) -> str:
        return figure(value=finding.value, unit=finding.unit, low=finding.low, high=finding.high, n=finding.n,
                      confidence=finding.confidence)  # fmt: skip

    @admin.display(description="Run")
    def run_link(self, finding: Finding) -> str:
        return link(finding.run, finding.run.spec.probe)
