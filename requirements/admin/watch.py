"""When criteria were last looked at for each release."""

from __future__ import annotations

from django.contrib import admin

from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import link
from evidence.admin.frame.filters import related
from requirements.models import AssessmentWatch


@admin.register(AssessmentWatch)
class AssessmentWatchAdmin(ReadOnlyModelAdmin):
    list_display = ["criterion_link", "release_link", "looked_at", "wake_at", "lease_until"]
    list_filter = [related("release__system"), related("release")]
    list_select_related = ["criterion__version__requirement", "release__system"]
    ordering = ["-id"]

    @admin.display(description="Criterion")
    def criterion_link(self, watch: AssessmentWatch) -> str:
        return link(watch.criterion)

    @admin.display(description="Release")
    def release_link(self, watch: AssessmentWatch) -> str:
        return link(watch.release)
