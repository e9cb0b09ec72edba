"""Second factors: who has one, and since when. What it is made of is shown to nobody, nor found by a filter."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

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

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse to tell, by who is left, what a secret or a code begins with."""
        shown = lookup.partition("__")[0] in {"user", "created_at"}
        return shown and super().lookup_allowed(lookup, value, request)
