"""Second factors: who has one, and since when. What it is made of is shown to nobody, nor found by a filter."""

from __future__ import annotations

from django.contrib import admin

from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.models import SecondFactor


@admin.register(SecondFactor)
class SecondFactorAdmin(ReadOnlyModelAdmin):
    list_display = ["user", "created_at"]
    list_select_related = ["user"]
    list_defer = ["secret", "recovery_digests"]
    search_fields = ["user__username"]
    ordering = ["-created_at", "user"]
    fields = ["user", "created_at"]
    kept_columns = ["secret", "recovery_digests", "last_step"]
