"""Binders: what was exported, over what."""

from __future__ import annotations

from django.contrib import admin

from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import link
from evidence.admin.frame.filters import related
from evidence.models import Binder


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
    search_fields = ["file_name"]
    ordering = ["-id"]

    @admin.display(description="Release")
    def release_link(self, binder: Binder) -> str:
        return link(binder.release)
