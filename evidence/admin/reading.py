"""Steps of how systems say that their traces are read."""

from __future__ import annotations

from django.contrib import admin

from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link
from evidence.admin.frame.filters import related
from evidence.models import ReadingTransition


@admin.register(ReadingTransition)
class ReadingTransitionAdmin(ReadOnlyModelAdmin):
    list_display = ["version_link", "moved_to", "by", "reason", "at"]
    list_filter = [related("version__artefact__system"), "to_state"]
    list_select_related = ["version__artefact"]
    ordering = ["-id"]

    @admin.display(description="Version")
    def version_link(self, move: ReadingTransition) -> str:
        return link(move.version)

    @admin.display(description="To", ordering="to_state")
    def moved_to(self, move: ReadingTransition) -> str:
        return badge(move.to_state)
