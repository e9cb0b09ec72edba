"""Eval runs, the figures computed from them; a run's retraction is asked for on its page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, figure, link, listed, shorten
from evidence.admin.frame.filters import recent, related
from evidence.admin.frame.on_chain import OnChainFilter
from evidence.admin.frame.steps import SteppedModelAdmin
from evidence.admin.retraction import ASKING
from evidence.admin.run_page import MOST_METRICS, show_comparable, show_metrics
from evidence.models import EvalRemark, EvalRun, EvalSample, EvalScore, EvalTotal


@admin.register(EvalRun)
class EvalRunAdmin(SteppedModelAdmin):
    list_display = ["run_key", "system", "release_link", "outcome", "standing", "observed_to", "received_at"]
    list_filter = [related("system"), related("release"), "status", OnChainFilter]
    list_select_related = ["system", "release__system", "retraction"]
    search_fields = ["run_key", "commit"]
    ordering = ["-id"]
    change_form_template = "admin/evidence/eval_run.html"
    chain = [
        ChainLink("Scores", "evidence.evalscore", "run__id__exact"),
        ChainLink("Samples", "evidence.evalsample", "run__id__exact"),
        ChainLink("Remarks", "evidence.evalremark", "run__id__exact"),
        ChainLink("The runner's own totals", "evidence.evaltotal", "run__id__exact"),
        ChainLink("Labels of people", "evidence.labelset", "run__id__exact"),
        ChainLink("Retraction", "evidence.retraction", "run__id__exact"),
        ChainLink("Requested retractions", "evidence.retractionrequest", "run__id__exact"),
    ]
    steps, step_of = ASKING, "run"
    steps_title, reason_label = _("Was this run wrong?"), _("Reason")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Add the way to the label sheet of a run that a judge gave scores of."""
        fields = super().get_fields(request, obj)
        is_judged = obj is not None and EvalScore.objects.filter(run=obj, judge__isnull=False).exists()
        return [*fields, "label_sheet"] if is_judged else fields

    def beside_steps(self, request: HttpRequest, record: EvalRun) -> dict[str, Any]:
        """Return a card for each metric of the run, and the runs that it may be compared with."""
        del request
        return _show_run(record)

    @admin.display(description=_("Label sheet"))
    def label_sheet(self, run: EvalRun) -> SafeString:
        address = reverse("admin:label_sheet", args=[run.pk])
        return format_html('<a href="{}">{}</a>', address, _("Label its answers"))

    @admin.display(description="Release")
    def release_link(self, run: EvalRun) -> str:
        return link(run.release)

    @admin.display(description="Outcome", ordering="status")
    def outcome(self, run: EvalRun) -> str:
        return badge(run.status)

    @admin.display(description="Standing")
    def standing(self, run: EvalRun) -> str:
        return badge("retracted") if hasattr(run, "retraction") else gettext("counts")


def _show_run(run: EvalRun) -> dict[str, Any]:
    metrics = show_metrics(run)
    return {
        "metrics": metrics[:MOST_METRICS],
        "more_metrics": max(0, len(metrics) - MOST_METRICS),
        "comparable": show_comparable(run),
    }


@admin.register(EvalScore)
class EvalScoreAdmin(ReadOnlyModelAdmin):
    list_display = [
        "metric",
        "judge",
        "part",
        "measured",
        "direction",
        "n_unscored",
        "n_error",
        "interval_method",
        "run_link",
    ]
    list_filter = [related("run__system"), recent("metric")]
    list_select_related = ["run", "judge__artefact"]
    search_fields = ["metric"]
    ordering = ["-id"]

    @admin.display(description="Slice")
    def part(self, score: EvalScore) -> str:
        """Name the part as its file does: its keys are no codes of ours."""
        return listed(f"{key}={value}" for key, value in score.slice.items()) or gettext("whole run")

    @admin.display(description="Value")
    def measured(self, score: EvalScore) -> str:
        return figure(value=score.value, unit=score.unit, low=score.low, high=score.high, n=score.n,
                      confidence=score.confidence)  # fmt: skip

    @admin.display(description="Run")
    def run_link(self, score: EvalScore) -> str:
        return link(score.run)


@admin.register(EvalSample)
class EvalSampleAdmin(ReadOnlyModelAdmin):
    list_display = ["sample_id", "metric", "outcome", "value", "explained", "run_link"]
    list_filter = [related("run__system"), "status", recent("metric")]
    list_select_related = ["run"]
    list_defer = ["input", "output", "target"]
    search_fields = ["=sample_id"]
    ordering = ["-id"]
    chain = [
        ChainLink(
            "The trace of this sample", "evidence.trace", "trace_id__exact", "trace_id", "run.system_id"
        )
    ]

    @admin.display(description="Status", ordering="status")
    def outcome(self, sample: EvalSample) -> str:
        return badge(sample.status)

    @admin.display(description="Explanation")
    def explained(self, sample: EvalSample) -> str:
        return shorten(sample.explanation)

    @admin.display(description="Run")
    def run_link(self, sample: EvalSample) -> str:
        return link(sample.run)


@admin.register(EvalRemark)
class EvalRemarkAdmin(ReadOnlyModelAdmin):
    list_display = ["code", "detail", "sample_id", "run_link"]
    list_filter = [related("run__system"), "code"]
    list_select_related = ["run"]
    search_fields = ["=sample_id"]
    ordering = ["-id"]

    @admin.display(description="Run")
    def run_link(self, remark: EvalRemark) -> str:
        return link(remark.run)


@admin.register(EvalTotal)
class EvalTotalAdmin(ReadOnlyModelAdmin):
    list_display = ["metric", "name", "reducer", "stated", "stated_n", "computed", "differs", "run_link"]
    list_filter = [related("run__system"), "differs"]
    list_select_related = ["run"]
    search_fields = ["metric"]
    ordering = ["-id"]

    @admin.display(description="Run")
    def run_link(self, total: EvalTotal) -> str:
        return link(total.run)
