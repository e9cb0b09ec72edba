"""Moments: what had been committed when. They hold numbers of transactions alone, so everybody may read them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.models import Moment


@admin.register(Moment)
class MomentAdmin(ReadOnlyModelAdmin):
    list_display = ["at", "before", "n_running"]
    ordering = ["-at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return all moments: they are of no system."""
        del request
        return Moment.objects.all()

    @admin.display(description="Still running")
    def n_running(self, moment: Moment) -> int:
        return len(moment.running)
