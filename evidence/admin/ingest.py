"""Requests that brought spans, what was refused of them, and traces that wait for assembly."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import listed, shorten
from evidence.admin.frame.filters import recent, related
from evidence.models import IngestBatch, PendingTrace, Reject, System


@admin.register(IngestBatch)
class IngestBatchAdmin(ReadOnlyModelAdmin):
    list_display = [
        "received_at", "signal", "encoding", "n_items", "n_accepted", "n_duplicate", "n_rejected", "token_name",
    ]  # fmt: skip
    list_filter = [recent("signal"), recent("encoding")]
    list_select_related = ["token"]
    list_defer = ["answer"]
    ordering = ["-received_at", "-id"]
    exclude = ["token", "system_ids"]
    chain = [ChainLink("What was refused", "evidence.reject", "batch__id__exact")]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["systems", *super().get_fields(request, obj)]

    @admin.display(description="Systems it held items of")
    def systems(self, batch: IngestBatch) -> str:
        return listed(
            System.objects.filter(pk__in=batch.system_ids).order_by("key").values_list("key", flat=True)
        )

    @admin.display(description="Token")
    def token_name(self, batch: IngestBatch) -> str:
        return str(batch.token)


@admin.register(Reject)
class RejectAdmin(ReadOnlyModelAdmin):
    list_display = ["code", "why", "source", "system", "trace_id", "created_at"]
    list_filter = [related("system"), recent("source"), recent("code")]
    list_select_related = ["system"]
    list_defer = ["item"]
    search_fields = ["=trace_id", "=code"]
    ordering = ["-id"]

    @admin.display(description="Reason")
    def why(self, reject: Reject) -> str:
        return shorten(reject.detail, 120)


@admin.register(PendingTrace)
class PendingTraceAdmin(ReadOnlyModelAdmin):
    list_display = ["trace_id", "system", "root_ended", "generation", "last_received_at"]
    list_filter = [related("system"), "root_ended"]
    list_select_related = ["system"]
    ordering = ["-last_received_at", "-id"]
