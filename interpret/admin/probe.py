"""Probe specifications and runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, shorten
from evidence.admin.frame.filters import recent, related
from evidence.admin.frame.steps import PageStep, SteppedModelAdmin
from evidence.errors import EvidenceError
from interpret.acts import can_cancel_probe_run
from interpret.errors import InterpretError
from interpret.models import Finding, ProbePart, ProbeRun, ProbeSpec
from interpret.pages.addresses import ledger_url, run_url
from interpret.selectors.progress import progress_of, with_progress
from interpret.selectors.waiting_runs import failed_for_good
from interpret.services.queueing import cancel_probe_run

_MOST_LINKS: Final = 12  # to pages of findings; the list has them all


@admin.register(ProbeSpec)
class ProbeSpecAdmin(ReadOnlyModelAdmin):
    list_display = ["probe", "system", "seed", "model_link", "created_by", "created_at"]
    list_filter = [related("system"), recent("probe")]
    list_select_related = ["system", "model_version__artefact"]
    search_fields = ["probe"]
    change_list_template = "admin/interpret/runs.html"
    ordering = ["-id"]
    chain = [ChainLink("Runs", "interpret.proberun", "spec__id__exact")]

    @admin.display(description="Model version")
    def model_link(self, spec: ProbeSpec) -> str:
        return link(spec.model_version)


class FailedFilter(admin.SimpleListFilter):
    """Failed runs that nobody asked for again."""

    title = _("failed runs")
    parameter_name = "failed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, StrOrPromise]]:
        del request, model_admin
        return [("last", _("not asked for again"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        return queryset if self.value() is None else failed_for_good(queryset)


CANCELLING: Final[Mapping[str, PageStep]] = {
    "cancelled": PageStep(
        _("Cancel"), can_cancel_probe_run, cancel_probe_run, _("Cancelled: nothing more of it is measured.")
    ),
}


def _title_of(finding: Finding) -> str:
    """Return what a finding is called, marked as written by a person: it is in the language it was written in."""
    return format_html('<span translate="no">{}</span>', shorten(finding.title, 60))


@admin.register(ProbeRun)
class ProbeRunAdmin(SteppedModelAdmin):
    list_display = [
        "probe",
        "progress",
        "measured",
        "attempts",
        "release_link",
        "wrong",
        "queued_by",
        "queued_at",
        "finished_at",
    ]
    list_filter = [related("spec__system"), "state", FailedFilter]
    list_select_related = ["spec", "release__system"]
    kept_columns = ["lease_digest"]
    ordering = ["-id"]
    fields = [
        *[
            "spec",
            "release_link",
            "progress",
            "measured",
            "attempts",
            "worker",
            "wrong",
            "queued_by",
            "queued_at",
        ],
        *["planned_at", "started_at", "finished_at", "attached_at", "runs_before", "found_before"],
    ]
    chain = [
        ChainLink("Findings", "interpret.finding", "run__id__exact"),
        ChainLink("Parts", "interpret.probepart", "run__id__exact"),
    ]
    change_list_template = "admin/interpret/runs.html"
    refusals = (EvidenceError, InterpretError)
    step_of, steps_title = "run", _("Is this run not wanted any more?")
    reason_label = _("Reason (may be empty)")

    def steps_of(self, record: ProbeRun) -> Mapping[str, PageStep]:
        """Return the button that cancels, as long as there is something to cancel."""
        return CANCELLING if record.state in {ProbeRun.State.QUEUED, ProbeRun.State.RUNNING} else {}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProbeRun]:
        """Fetch along how far each run is."""
        return with_progress(super().get_queryset(request))

    def chain_of(self, request: HttpRequest, object_id: str | None) -> list[tuple[str, str]]:
        """Lead to the pages of what the run found, and of everything tried on its model."""
        chain = super().chain_of(request, object_id)
        run = self.get_object(request, object_id) if object_id else None
        if run is None:
            return chain
        found = [
            (
                format_html('<span translate="no">{}</span>', shorten(each.title, 60)),
                reverse("admin:finding", args=[each.pk]),
            )
            for each in _first_of(run)
        ]
        tried = ledger_url(run.spec.system, run.spec.model_version.digest)
        here = (gettext("How far it is"), run_url(run))
        return [here, *chain, *found, (gettext("Everything tried on this model"), tried)]

    @admin.display(description="Probe")
    def probe(self, run: ProbeRun) -> str:
        return run.spec.probe

    @admin.display(description="State", ordering="state")
    def progress(self, run: ProbeRun) -> str:
        return badge(run.state)

    @admin.display(description="Parts measured")
    def measured(self, run: ProbeRun) -> str:
        progress = progress_of(run)
        if not progress.planned:
            return "–"
        return gettext("%(measured)d of %(planned)d") % {
            "measured": progress.measured,
            "planned": progress.planned,
        }

    @admin.display(description="Release")
    def release_link(self, run: ProbeRun) -> str:
        return link(run.release)

    @admin.display(description="Error")
    def wrong(self, run: ProbeRun) -> str:
        return shorten(run.error) or "–"


@admin.register(ProbePart)
class ProbePartAdmin(ReadOnlyModelAdmin):
    list_display = ["name", "progress", "attempts", "worker", "started_at", "finished_at", "wrong"]
    list_filter = ["state"]
    kept_columns = ["lease_digest"]
    ordering = ["run", "id"]
    fields = ["run", "name", "progress", "attempts", "worker", "started_at", "finished_at", "wrong"]

    @admin.display(description="Part")
    def name(self, part: ProbePart) -> str:
        return part.part or gettext("the report")

    @admin.display(description="State", ordering="state")
    def progress(self, part: ProbePart) -> str:
        return badge(part.state)

    @admin.display(description="Error")
    def wrong(self, part: ProbePart) -> str:
        return shorten(part.error) or "–"


def _first_of(run: ProbeRun) -> list[Finding]:
    return list(run.findings.only("title").order_by("ordinal")[:_MOST_LINKS])
