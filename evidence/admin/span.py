"""Spans as they were sent. The largest table: listed by newest, found by trace, never counted."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.contrib import admin

from evidence.admin.frame.base import ChainLink
from evidence.admin.frame.display import badge, shorten
from evidence.admin.frame.filters import related
from evidence.admin.frame.trace_search import TraceIdSearch
from evidence.models import Span

_STATUS = {0: "unset", 1: "ok", 2: "error"}  # OTLP status codes


@admin.register(Span)
class SpanAdmin(TraceIdSearch):
    list_display = ["span_id", "called", "system", "trace_hex", "status", "started_at", "took"]
    list_filter = [related("system")]
    list_select_related = ["system"]
    list_defer = ["attributes", "events", "links", "resource", "scope"]
    ordering = ["-id"]
    sortable_by: ClassVar[list[str]] = []  # another order would sort every partition
    chain = [
        ChainLink("The trace, assembled", "evidence.trace", "trace_id__exact", "trace_id", "system_id"),
        ChainLink("Spans of the trace", "evidence.span", "trace_id__exact", "trace_id", "system_id"),
        ChainLink("The request it came in", "evidence.ingestbatch", "id__exact", "batch_id"),
    ]

    @admin.display(description="Name")
    def called(self, span: Span) -> str:
        return shorten(span.name, 60)

    @admin.display(description="Trace")
    def trace_hex(self, span: Span) -> str:
        return span.trace_id.hex

    @admin.display(description="Status")
    def status(self, span: Span) -> str:
        word = _STATUS.get(span.status_code, str(span.status_code))
        return badge(word) if word == "error" else word

    @admin.display(description="Took")
    def took(self, span: Span) -> str:
        return f"{timedelta(microseconds=(span.end_ns - span.start_ns) / 1000).total_seconds():.3f} s"
