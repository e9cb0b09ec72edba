"""Binders: what was exported, over what, and what waits to be."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from evidence.acts import can_read_binder
from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, shorten
from evidence.admin.frame.filters import related
from evidence.models import Binder, BinderRequest
from evidence.pages.reader import principal_of
from evidence.services.binder_checks import offline_command


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
    search_fields = ["file_name", "^archive__digest", "^tagmanifest_digest"]
    ordering = ["-id"]
    exclude = ["sidecar"]  # a file of its own, to be taken whole
    change_form_template = "admin/evidence/binder.html"
    chain = [ChainLink("Requests for it", "evidence.binderrequest", "binder__id__exact")]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:  # fmt: skip
        """Show what is a binder's own, with the ways to take it and to verify it, for those who may read it."""
        binder = self.get_object(request, object_id)
        told = {}
        if binder is not None and can_read_binder(principal_of(request), binder):
            told = {"binder": binder, "command": offline_command(binder)}
        return super().change_view(request, object_id, form_url, told | (extra_context or {}))

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
    chain = [ChainLink("The binder", "evidence.binder", "id__exact", "binder_id")]

    @admin.display(description="State", ordering="state")
    def progress(self, request: BinderRequest) -> str:
        return badge(request.state)

    @admin.display(description="Release")
    def release_link(self, request: BinderRequest) -> str:
        return link(request.release)

    @admin.display(description="Error")
    def wrong(self, request: BinderRequest) -> str:
        return shorten(request.error) or "–"
