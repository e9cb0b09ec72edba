"""Probe specifications and runs."""

from __future__ import annotations

from typing import Final

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, shorten
from evidence.admin.frame.filters import recent, related
from interpret.models import Finding, ProbeRun, ProbeSpec
from interpret.pages.addresses import ledger_url

_MOST_LINKS: Final = 12  # to pages of findings; the list has them all


@admin.register(ProbeSpec)
class ProbeSpecAdmin(ReadOnlyModelAdmin):
    list_display = ["probe", "system", "seed", "model_link", "created_by", "created_at"]
    list_filter = [related("system"), recent("probe")]
    list_select_related = ["system", "model_version__artefact"]
    search_fields = ["probe"]
    ordering = ["-id"]
    chain = [ChainLink("Runs", "interpret.proberun", "spec__id__exact")]

    @admin.display(description="Model version")
    def model_link(self, spec: ProbeSpec) -> str:
        return link(spec.model_version)


@admin.register(ProbeRun)
class ProbeRunAdmin(ReadOnlyModelAdmin):
    list_display = [
        "probe",
        "progress",
        "attempts",
        "release_link",
        "wrong",
        "queued_by",
        "queued_at",
        "finished_at",
    ]
    list_filter = [related("spec__system"), "state"]
    list_select_related = ["spec", "release__system"]
    ordering = ["-id"]
    chain = [ChainLink("Findings", "interpret.finding", "run__id__exact")]

    def chain_of(self, request: HttpRequest, object_id: str | None) -> list[tuple[str, str]]:
        """Lead to the pages of what the run found, and of everything tried on its model."""
        chain = super().chain_of(request, object_id)
        run = self.get_object(request, object_id) if object_id else None
        if run is None:
            return chain
        found = [
            (shorten(each.title, 60), reverse("admin:finding", args=[each.pk])) for each in _first_of(run)
        ]
        tried = ledger_url(run.spec.system, run.spec.model_version.digest)
        return [*chain, *found, (gettext("Everything tried on this model"), tried)]

    @admin.display(description="Probe")
    def probe(self, run: ProbeRun) -> str:
        return run.spec.probe

    @admin.display(description="State", ordering="state")
    def progress(self, run: ProbeRun) -> str:
        return badge(run.state)

    @admin.display(description="Release")
    def release_link(self, run: ProbeRun) -> str:
        return link(run.release)

    @admin.display(description="Error")
    def wrong(self, run: ProbeRun) -> str:
        return shorten(run.error) or "–"


def _first_of(run: ProbeRun) -> list[Finding]:
    return list(run.findings.only("title").order_by("ordinal")[:_MOST_LINKS])
