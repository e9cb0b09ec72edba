"""Reading traces: lists, one by id, and what relied on what."""

from __future__ import annotations

import uuid
from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import principal_of, scoped
from evidence.api.reading import ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.errors import NotFound
from evidence.models import (
    Citation,
    Claim,
    PolicyCheck,
    Retrieval,
    Scope,
    Span,
    ToolCall,
    Trace,
    TraceVersion,
)
from evidence.problems import Problem
from evidence.selectors import traces


class TraceFilter(django_filters.FilterSet):
    """Narrow a list of traces."""

    system = django_filters.CharFilter("system__key")
    release = django_filters.CharFilter("release__name")
    since = django_filters.IsoDateTimeFilter("started_at", "gte")
    until = django_filters.IsoDateTimeFilter("started_at", "lt")
    verdict = django_filters.ChoiceFilter(choices=Citation.Verdict.choices, method="by_verdict")
    version = django_filters.CharFilter(
        method="by_version", help_text="Digest of any version the trace used."
    )
    document = django_filters.CharFilter(
        method="by_document", help_text="Digest of a document the answer cited."
    )
    flag = django_filters.CharFilter(method="by_flag", help_text="Code of a flag the assembler set.")
    reviewed = django_filters.BooleanFilter(method="by_reviewed")

    class Meta:
        model = Trace
        fields = ["status", "risk_tier", "language", "environment"]

    def by_verdict(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces with a citation of this verdict."""
        del name
        return queryset.filter(Exists(Citation.objects.filter(claim__trace=OuterRef("pk"), verdict=value)))

    def by_version(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces that used a version of this digest, as model, prompt, index, policy or tool."""
        del name
        return queryset.filter(
            Exists(TraceVersion.objects.filter(trace=OuterRef("pk"), version__digest=value))
        )

    def by_document(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces whose answer cited a document of this digest."""
        del name
        return queryset.filter(
            Exists(Citation.objects.filter(claim__trace=OuterRef("pk"), document__digest=value))
        )

    def by_flag(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces with this flag."""
        del name
        return queryset.filter(flags__contains=[{"code": value}])

    def by_reviewed(self, queryset: QuerySet[Trace], name: str, value: bool) -> QuerySet[Trace]:  # noqa: FBT001  # django-filter's call
        """Traces that a person has, or has not, reviewed."""
        del name
        return queryset.filter(review_task__reviews__isnull=not value).distinct()


class TraceOut(serializers.ModelSerializer[Trace]):
    """A trace in a list."""

    trace_id = serializers.SerializerMethodField()
    system = serializers.CharField(source="system.key")
    release = serializers.CharField(source="release.name", default=None)

    class Meta:
        model = Trace
        fields = [
            "trace_id", "revision", "digest", "system", "release", "environment", "status", "name", "risk_tier",
            "language", "started_at", "ended_at", "span_count", "question", "answer", "confidence", "limitations",
            "flags", "assembler_version", "sealed_at",
        ]  # fmt: skip

    def get_trace_id(self, trace: Trace) -> str:
        """Return the OpenTelemetry trace id: 32 hexadecimal characters."""
        return trace.trace_id.hex


class CitationOut(serializers.ModelSerializer[Citation]):
    """A citation and its verdict."""

    found_in = serializers.CharField(source="found_in.document_id", default=None)

    class Meta:
        model = Citation
        fields = [
            "ordinal", "document_ref", "quote", "verdict", "score", "threshold", "doc_start", "doc_end", "found_in",
            "checker_version", "inputs_digest",
        ]  # fmt: skip


class ClaimOut(serializers.ModelSerializer[Claim]):
    """A claim with its citations."""

    citations = CitationOut(many=True)

    class Meta:
        model = Claim
        fields = ["ordinal", "text", "start", "end", "material", "origin", "extractor_version", "citations"]


class RetrievalOut(serializers.ModelSerializer[Retrieval]):
    """A retrieved document."""

    class Meta:
        model = Retrieval
        fields = ["span_id", "query", "rank", "score", "document_ref"]


class PolicyCheckOut(serializers.ModelSerializer[PolicyCheck]):
    """A policy gate's decision inside the trace."""

    class Meta:
        model = PolicyCheck
        fields = ["span_id", "rule", "decision", "reason"]


class ToolCallOut(serializers.ModelSerializer[ToolCall]):
    """A tool call."""

    class Meta:
        model = ToolCall
        fields = ["span_id", "tool", "arguments", "result"]


class TraceVersionOut(serializers.ModelSerializer[TraceVersion]):
    """A version the trace used, and whether somebody vouches for it."""

    artefact = serializers.CharField(source="version.artefact.key")
    label = serializers.CharField(source="version.label")  # type: ignore[assignment]  # shadows Field.label
    digest = serializers.CharField(source="version.digest")
    registered = serializers.SerializerMethodField()

    class Meta:
        model = TraceVersion
        fields = ["slot", "artefact", "label", "digest", "registered"]

    def get_registered(self, used: TraceVersion) -> bool:
        """Whether the version has a registration."""
        return hasattr(used.version, "registration")


class TraceDetailOut(TraceOut):
    """A trace with everything assembled from it."""

    claims = ClaimOut(many=True)
    retrievals = RetrievalOut(many=True)
    policy_checks = PolicyCheckOut(many=True)
    tool_calls = ToolCallOut(many=True)
    versions = TraceVersionOut(many=True)

    class Meta(TraceOut.Meta):
        fields = [*TraceOut.Meta.fields, "claims", "retrievals", "policy_checks", "tool_calls", "versions"]


class SpanOut(serializers.ModelSerializer[Span]):
    """A span as it was sent."""

    class Meta:
        model = Span
        exclude = ["id", "system", "batch", "trace_id"]


class TraceList(ScopedList[Trace]):
    """The current revisions of traces, newest first."""

    queryset = traces.current_traces()
    serializer_class = TraceOut
    filterset_class = TraceFilter


class TraceDetail(ScopedView):
    """One trace with its claims, citations, checks, tools and versions. `?revision=` names an older one."""

    scopes = {"GET": Scope.READ}

    @extend_schema(responses={200: TraceDetailOut, 404: Problem})
    def get(self, request: Request, trace_id: str) -> Response:
        """Return the newest revision, or the one asked for."""
        found = scoped(traces.traces_in_full(), principal_of(request)).filter(
            trace_id=_parse_trace_id(trace_id)
        )
        revision = request.query_params.get("revision")
        if revision:
            found = found.filter(revision=int(revision) if revision.isdigit() else -1)
        trace = found.order_by("-revision").first()
        if trace is None:
            raise NotFound(f"There is no trace {trace_id} among those of your systems.")
        return Response(TraceDetailOut(trace).data)


class SpanList(ScopedList[Span]):
    """The spans of one trace, as stored; readable from the moment they were acknowledged."""

    queryset = Span.objects.all()
    serializer_class = SpanOut

    def get_queryset(self) -> QuerySet[Span]:
        """Narrow to the trace in the address."""
        queryset = super().get_queryset()
        trace_id = self.kwargs.get("trace_id")
        return queryset.filter(trace_id=_parse_trace_id(trace_id)) if trace_id else queryset


def _parse_trace_id(text: Any) -> uuid.UUID:
    try:
        return uuid.UUID(hex=str(text))
    except ValueError as exc:
        raise NotFound(f"{str(text)[:40]!r} is no trace id: 32 hexadecimal characters.") from exc
