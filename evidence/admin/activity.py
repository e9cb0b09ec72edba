"""What a trace did on the way to its answer: retrievals, policy checks, tool calls."""

from __future__ import annotations

from django.contrib import admin

from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, shorten
from evidence.admin.frame.filters import related
from evidence.models import PolicyCheck, Retrieval, ToolCall


@admin.register(Retrieval)
class RetrievalAdmin(ReadOnlyModelAdmin):
    list_display = ["document_ref", "document_link", "rank", "score", "asked", "trace_link"]
    list_filter = [related("trace__system")]
    list_select_related = ["trace", "document"]
    list_defer = ["document__text"]
    search_fields = ["=document_ref"]
    ordering = ["-id"]

    @admin.display(description="Document")
    def document_link(self, retrieval: Retrieval) -> str:
        return link(retrieval.document)

    @admin.display(description="Query")
    def asked(self, retrieval: Retrieval) -> str:
        return shorten(retrieval.query)

    @admin.display(description="Trace")
    def trace_link(self, retrieval: Retrieval) -> str:
        return link(retrieval.trace)


@admin.register(PolicyCheck)
class PolicyCheckAdmin(ReadOnlyModelAdmin):
    list_display = ["rule", "decided", "why", "version_link", "trace_link"]
    list_filter = [related("trace__system"), "decision"]
    list_select_related = ["trace", "version__artefact"]
    search_fields = ["=rule"]
    ordering = ["-id"]

    @admin.display(description="Decision", ordering="decision")
    def decided(self, check: PolicyCheck) -> str:
        return badge(check.decision)

    @admin.display(description="Reason")
    def why(self, check: PolicyCheck) -> str:
        return shorten(check.reason)

    @admin.display(description="Policy version")
    def version_link(self, check: PolicyCheck) -> str:
        return link(check.version)

    @admin.display(description="Trace")
    def trace_link(self, check: PolicyCheck) -> str:
        return link(check.trace)


@admin.register(ToolCall)
class ToolCallAdmin(ReadOnlyModelAdmin):
    list_display = ["tool", "version_link", "trace_link"]
    list_filter = [related("trace__system")]
    list_select_related = ["trace", "version__artefact"]
    list_defer = ["arguments", "result"]
    search_fields = ["=tool"]
    ordering = ["-id"]

    @admin.display(description="Tool version")
    def version_link(self, call: ToolCall) -> str:
        return link(call.version)

    @admin.display(description="Trace")
    def trace_link(self, call: ToolCall) -> str:
        return link(call.trace)
