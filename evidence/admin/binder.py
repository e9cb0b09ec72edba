"""Binders: what was exported, over what, and what waits to be."""

from __future__ import annotations

from django.contrib import admin

from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, shorten
from evidence.admin.frame.filters import related
from evidence.models import Binder, BinderRequest


@admin.register(Binder)
class BinderAdmin(ReadOnlyModelAdmin):
    list_display = [
        "file_name",
        "release_link",
        "baseline",
        "period_from",
        "period_to",
        "created_by",
        "created_at",
    ]
    list_filter = [related("system")]
    list_select_related = ["release__system"]
    list_defer = ["sidecar"]
    search_fields = ["file_name", "^tagmanifest_digest"]
    ordering = ["-id"]

    @admin.display(description="Release")
    def release_link(self, binder: Binder) -> str:
        return link(binder.release)


@admin.register(BinderRequest)
class BinderRequestAdmin(ReadOnlyModelAdmin):
    list_display = [
        "binder_uuid",
        "progress",
        "attempts",
        "release_link",
        "wrong",
        "requested_by",
        "queued_at",
        "finished_at",
    ]
    list_filter = [related("system"), "state"]
    list_select_related = ["release__system"]
    ordering = ["-id"]

    @admin.display(description="State", ordering="state")
    def progress(self, request: BinderRequest) -> str:
        return badge(request.state)

    @admin.display(description="Release")
    def release_link(self, request: BinderRequest) -> str:
        return link(request.release)

    @admin.display(description="Error")
    def wrong(self, request: BinderRequest) -> str:
        return shorten(request.error) or "–"
