"""Traces as assembled, the versions they used, and the facts that assessments count."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, listed, shorten
from evidence.admin.frame.filters import recent, related
from evidence.admin.frame.range_filters import between
from evidence.admin.frame.words import in_words
from evidence.admin.review.answer import count_declared, read_claims
from evidence.admin.review.conversation import read_sources, read_turns
from evidence.admin.review.page import show_review_page
from evidence.admin.trace_links import links_in_time
from evidence.admin.trace_words import BeganFilter, TraceSearch
from evidence.models import ReviewTask, Trace, TraceDocument, TraceFacts, TraceVersion
from evidence.pages.reader import principal_of
from evidence.selectors.readings import find_reading_of


@admin.register(Trace)
class TraceAdmin(TraceSearch):
    list_display = ["trace", "asked", "system", "release_link", "risk", "state", "flagged", "sealed_at"]
    list_filter = [
        related("system"), related("release"), "risk_tier", "status", recent("language"), ("started_at", BeganFilter),
        between("cost"), recent("currency"), between("input_tokens"), between("output_tokens"),
    ]  # fmt: skip
    list_select_related = ["system", "release__system"]
    list_defer = ["answer", "confidence_factors", "limitations", "exchanges", "sources", "errors", "span_ids"]
    given_ids = ["user_ids", "session_ids", "conversation_ids"]
    search_help_text = _(
        "A trace id, or how it begins; the whole id of a user, a session or a conversation; words of its questions "
        'and answers, or a "phrase" as it is written.'
    )
    ordering = ["-id"]
    fields = [
        "review", "trace_id", "revision", "status", "digest", "system", "release", "environment", "name",
        "conversation", "claims_told", "read_by", "language", "read_from", "risk_tier", "confidence_factors_as_json",
        "limitations_as_json", "users", "sessions", "conversations", "tokens", "price", "stopped_because",
        "errors_as_json", "flags_as_json", "started_at", "ended_at", "span_count", "root_span_id", "assembler_version",
        "sealed_at",
    ]  # fmt: skip
    chain = [
        ChainLink("Claims", "evidence.claim", "trace__id__exact"),
        ChainLink("Citations", "evidence.citation", "claim__trace__id__exact"),
        ChainLink("Policy checks", "evidence.policycheck", "trace__id__exact"),
        ChainLink("Tool calls", "evidence.toolcall", "trace__id__exact"),
        ChainLink("Retrievals", "evidence.retrieval", "trace__id__exact"),
        ChainLink("Versions used", "evidence.traceversion", "trace__id__exact"),
        ChainLink("Documents relied on", "evidence.tracedocument", "trace__id__exact"),
        ChainLink("Spans as sent", "evidence.span", "trace_id__exact", "trace_id", "system_id"),
        ChainLink("All revisions", "evidence.trace", "trace_id__exact", "trace_id", "system_id"),
        ChainLink("Facts", "evidence.tracefacts", "trace__id__exact"),
    ]

    def get_urls(self) -> list[URLPattern]:
        address = path(
            "<int:trace_id>/review/",
            self.admin_site.admin_view(self.review_view),
            name="evidence_trace_review",
        )
        return [address, *super().get_urls()]

    def review_view(self, request: HttpRequest, trace_id: int) -> HttpResponse:
        """Show the reviewer's page of a trace, or lead to its task where there is one."""
        trace = self.get_object(request, str(trace_id))
        if trace is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(trace_id))
        task = ReviewTask.objects.filter(trace=trace).first()
        if task is not None:
            return HttpResponseRedirect(reverse("admin:evidence_reviewtask_change", args=[task.pk]))
        return show_review_page(self, request, trace=trace, task=None)

    def chain_of(self, request: HttpRequest, object_id: str | None) -> list[tuple[str, str]]:
        """Return the links along the chain, and to what came before and after in the same conversation."""
        trace = self.get_object(request, object_id) if object_id else None
        together = [] if trace is None else links_in_time(principal_of(request), trace)
        return [*together, *super().chain_of(request, object_id)]

    @admin.display(description="Trace", ordering="id")
    def trace(self, trace: Trace) -> str:
        return f"{trace.trace_id.hex[:12]} r{trace.revision}"

    @admin.display(description="Question")
    def asked(self, trace: Trace) -> str:
        return shorten(trace.question)

    @admin.display(description="Release")
    def release_link(self, trace: Trace) -> str:
        return link(trace.release)

    @admin.display(description="Risk", ordering="risk_tier")
    def risk(self, trace: Trace) -> str:
        return badge(trace.risk_tier)

    @admin.display(description="State", ordering="status")
    def state(self, trace: Trace) -> str:
        return badge(trace.status)

    @admin.display(description="Flags")
    def flagged(self, trace: Trace) -> str:
        return listed(in_words(flag["code"]) for flag in trace.flags) or "–"

    @admin.display(description="Review")
    def review(self, trace: Trace) -> str:
        return link_to_review(trace)

    @admin.display(description="Question and answer")
    def conversation(self, trace: Trace) -> str:
        """Show each turn, with where it was read."""
        context = {"turns": read_turns(trace, ()), "language": trace.language}
        return render_to_string("admin/evidence/conversation.html", context)

    @admin.display(description="Claims")
    def claims_told(self, trace: Trace) -> str:
        """Show how each claim is backed, and why a citation failed."""
        claims = read_claims(trace)
        context = {"claims": claims, "n_declared": count_declared(claims)}
        return render_to_string("admin/evidence/claims_told.html", context)

    @admin.display(description="Read from")
    def read_from(self, trace: Trace) -> str:
        """Show where the fields beside the turns were first read."""
        return render_to_string("admin/evidence/sources.html", {"sources": read_sources(trace)})

    @admin.display(description=_("Read by"))
    def read_by(self, trace: Trace) -> str:
        """Show by which version of the system's reading it was read, and lead to where another can be tried on it."""
        used = find_reading_of(trace).version
        asked = {"system": trace.system.key, "trace": trace.trace_id.hex}
        address = f"{reverse('admin:try_reading')}?{urlencode(asked)}"
        shown = link(used) if used else _("the rules for any system")
        return format_html('{} · <a href="{}">{}</a>', shown, address, _("Try a reading on it"))

    @admin.display(description="Users, as sent")
    def users(self, trace: Trace) -> str:
        return _listed(trace.user_ids)

    @admin.display(description="Sessions, as sent")
    def sessions(self, trace: Trace) -> str:
        return _listed(trace.session_ids)

    @admin.display(description="Conversations, as sent")
    def conversations(self, trace: Trace) -> str:
        return _listed(trace.conversation_ids)

    @admin.display(description="Stopped because")
    def stopped_because(self, trace: Trace) -> str:
        return _listed(trace.finish_reasons)

    @admin.display(description="Tokens, in and out")
    def tokens(self, trace: Trace) -> str:
        counts = (trace.input_tokens, trace.output_tokens)
        return " / ".join("–" if count is None else f"{count:,}" for count in counts)

    @admin.display(description="Cost, as sent")
    def price(self, trace: Trace) -> str:
        return "–" if trace.cost is None else f"{trace.cost.normalize():f} {trace.currency}".strip()


def _listed(texts: Sequence[str] | None) -> str:
    return listed(texts or ()) or "–"


def link_to_review(trace: Trace) -> str:
    """Return a link to the reviewer's page of a trace."""
    address = reverse("admin:evidence_trace_review", args=[trace.pk])
    return format_html('<a href="{}">{}</a>', address, _("Open the evidence side by side"))


@admin.register(TraceVersion)
class TraceVersionAdmin(ReadOnlyModelAdmin):
    list_display = ["slot", "trace_link", "version_link", "standing"]
    list_filter = [related("trace__system"), recent("slot")]
    list_select_related = ["trace", "version__artefact", "version__registration"]
    ordering = ["-id"]

    @admin.display(description="Trace")
    def trace_link(self, used: TraceVersion) -> str:
        return link(used.trace)

    @admin.display(description="Version")
    def version_link(self, used: TraceVersion) -> str:
        return link(used.version)

    @admin.display(description="Standing")
    def standing(self, used: TraceVersion) -> str:
        return badge("registered" if hasattr(used.version, "registration") else "unregistered")


@admin.register(TraceDocument)
class TraceDocumentAdmin(ReadOnlyModelAdmin):
    list_display = ["digest", "trace_link", "cited"]
    list_filter = [related("trace__system"), "cited"]
    list_select_related = ["trace"]
    search_fields = ["=digest"]
    search_help_text = _("A document's whole digest: which answers relied on it.")
    ordering = ["-id"]

    @admin.display(description="Trace")
    def trace_link(self, relied: TraceDocument) -> str:
        return link(relied.trace)


@admin.register(TraceFacts)
class TraceFactsAdmin(ReadOnlyModelAdmin):
    list_display = [
        "trace_link", "n_claims", "n_material", "n_material_supported", "n_citations", "n_citations_found",
    ]  # fmt: skip
    list_filter = [related("trace__system"), "has_prompt", "has_sources", "has_confidence", "has_limitations"]
    list_select_related = ["trace"]
    ordering = ["-trace_id"]

    @admin.display(description="Trace")
    def trace_link(self, facts: TraceFacts) -> str:
        return link(facts, facts.trace)
