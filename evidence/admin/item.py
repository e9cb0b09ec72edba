"""Evidence items, and the versions they were measured on."""

from __future__ import annotations

from django.contrib import admin

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link
from evidence.admin.frame.filters import recent, related
from evidence.models import Evidence, EvidenceLink


@admin.register(Evidence)
class EvidenceAdmin(ReadOnlyModelAdmin):
    list_display = [
        "title",
        "layer",
        "put_forward_as",
        "kind",
        "system",
        "owner",
        "observed_to",
        "valid_until",
    ]
    list_filter = [related("system"), "layer", "role"]
    list_select_related = ["system"]
    list_defer = ["summary"]
    search_fields = ["title"]
    ordering = ["-id"]
    chain = [
        ChainLink("Versions it was measured on", "evidence.evidencelink", "evidence__id__exact"),
        ChainLink("The doubt it opened", "evidence.defeater", "evidence__id__exact"),
    ]

    @admin.display(description="Role", ordering="role")
    def put_forward_as(self, item: Evidence) -> str:
        return badge(item.role)


@admin.register(EvidenceLink)
class EvidenceLinkAdmin(ReadOnlyModelAdmin):
    list_display = ["evidence_link", "slot", "version_link"]
    list_filter = [related("evidence__system"), recent("slot")]
    list_select_related = ["evidence", "version__artefact"]
    ordering = ["-id"]

    @admin.display(description="Evidence")
    def evidence_link(self, item: EvidenceLink) -> str:
        return link(item.evidence)

    @admin.display(description="Version")
    def version_link(self, item: EvidenceLink) -> str:
        return link(item.version)
