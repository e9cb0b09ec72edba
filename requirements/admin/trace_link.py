"""Trace links between versions."""

from __future__ import annotations

from django.contrib import admin

from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import link
from evidence.admin.frame.filters import related
from requirements.models import TraceLink


@admin.register(TraceLink)
class TraceLinkAdmin(ReadOnlyModelAdmin):
    list_display = ["kind", "upstream_link", "downstream_link", "reviewed_by", "created_at"]
    list_filter = [related("upstream__artefact__system"), "kind"]
    list_select_related = ["upstream__artefact", "downstream__artefact"]
    ordering = ["-id"]

    @admin.display(description="Upstream")
    def upstream_link(self, row: TraceLink) -> str:
        return link(row.upstream)

    @admin.display(description="Downstream")
    def downstream_link(self, row: TraceLink) -> str:
        return link(row.downstream)
