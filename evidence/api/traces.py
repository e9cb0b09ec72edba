"""Reading traces: lists, one by id, and what relied on what."""

from __future__ import annotations

import uuid
from typing import Any, Final, cast

import django_filters
from django.db.models import Exists, OuterRef, QuerySet
from django.http import QueryDict
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
    Review,
    Scope,
    Span,
    ToolCall,
    Trace,
    TraceDocument,
    TraceVersion,
)
from evidence.problems import Problem
from evidence.selectors import spans, traces
from evidence.selectors.traces import ReviewState


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
    retrieved_document = django_filters.CharFilter(
        method="by_retrieved_document", help_text="Digest of a document the trace cited or retrieved."
    )
    flag = django_filters.CharFilter(method="by_flag", help_text="Code of a flag the assembler set.")
    reviewed = django_filters.BooleanFilter(method="by_reviewed")
    review = django_filters.ChoiceFilter(
        choices=ReviewState.choices,
        method="by_review",
        help_text="Whether people have been asked, and are done.",
    )
    decision = django_filters.ChoiceFilter(
        choices=Review.Decision.choices, method="by_decision", help_text="What a reviewer decided."
    )
    attribute = django_filters.CharFilter(
        method="by_attribute",
        help_text="key=value of a span's attribute; needs `since` and `until`. May be repeated.",
    )

    class Meta:
        model = Trace
        fields = ["status", "risk_tier", "language", "environment", "trace_id"]

    def by_verdict(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces with a citation of this verdict."""
        del name
        return queryset.filter(Exists(Citation.objects.filter(claim__trace=OuterRef("pk"), verdict=value)))

    def by_version(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces that used a version of this digest, as model, prompt, index, policy or tool."""
        del name
        return traces.used_version(queryset, value)

    def by_document(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces whose answer cited a document of this digest."""
        del name
        return traces.relied_on_document(queryset, value)

    def by_retrieved_document(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces that retrieved a document of this digest, cited or not."""
        del name
        return traces.relied_on_document(queryset, value, cited_only=False)

    def by_flag(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces with this flag."""
        del name
        return queryset.filter(flags__contains=[{"code": value}])

    def by_reviewed(self, queryset: QuerySet[Trace], name: str, value: bool) -> QuerySet[Trace]:  # noqa: FBT001  # django-filter's call
        """Traces that a person has, or has not, reviewed."""
        del name
        reviewed = Exists(Review.objects.filter(task__trace=OuterRef("pk")))
        return queryset.filter(reviewed if value else ~reviewed)

    def by_review(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces by what has become of their review."""
        del name
        return traces.in_review_state(queryset, ReviewState(value))

    def by_decision(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces that a reviewer decided on in this way."""
        del name
        return queryset.filter(Exists(Review.objects.filter(task__trace=OuterRef("pk"), decision=value)))

    def by_attribute(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces with a span of these attributes that began in the window asked for."""
        del value
        window = spans.spans_between(self.form.cleaned_data["since"], self.form.cleaned_data["until"])
        found = spans.with_attributes(window, _values_of(self, name))
        return queryset.filter(trace_id__in=found.values("trace_id"))


class SpanFilter(django_filters.FilterSet):
    """Narrow a list of spans. Outside one trace, `since` and `until` are needed."""

    system = django_filters.CharFilter("system__key")
    since = django_filters.IsoDateTimeFilter("started_at", "gte")
    until = django_filters.IsoDateTimeFilter("started_at", "lt")
    attribute = django_filters.CharFilter(method="by_attribute", help_text="key=value. May be repeated.")

    class Meta:
        model = Span
        fields = ["name", "span_id", "kind", "status_code"]

    def by_attribute(self, queryset: QuerySet[Span], name: str, value: str) -> QuerySet[Span]:
        """Spans with these attributes."""
        del value
        return spans.with_attributes(queryset, _values_of(self, name))


class SpanSearchFilter(SpanFilter):
    """Narrow the spans of a window of time."""

    since = django_filters.IsoDateTimeFilter("started_at", "gte", required=True)
    until = django_filters.IsoDateTimeFilter("started_at", "lt", required=True)

    def filter_queryset(self, queryset: QuerySet[Span]) -> QuerySet[Span]:
        """Refuse a window that is too long."""
        spans.spans_between(self.form.cleaned_data["since"], self.form.cleaned_data["until"])
        found: QuerySet[Span] = super().filter_queryset(queryset)
        return found


def _values_of(filters: django_filters.FilterSet, name: str) -> list[str]:
    """Return every value of a parameter that may be repeated."""
    return cast("QueryDict", filters.data).getlist(name)


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


class TraceDocumentOut(serializers.ModelSerializer[TraceDocument]):
    """A document the trace relied on."""

    class Meta:
        model = TraceDocument
        fields = ["digest", "cited"]


class TraceDetailOut(TraceOut):
    """A trace with everything assembled from it."""

    claims = ClaimOut(many=True)
    retrievals = RetrievalOut(many=True)
    policy_checks = PolicyCheckOut(many=True)
    tool_calls = ToolCallOut(many=True)
    versions = TraceVersionOut(many=True)
    documents = TraceDocumentOut(many=True)

    class Meta(TraceOut.Meta):
        fields = [
            *TraceOut.Meta.fields, "claims", "retrievals", "policy_checks", "tool_calls", "versions", "documents",
        ]  # fmt: skip


class SpanOut(serializers.ModelSerializer[Span]):
    """A span as it was sent."""

    class Meta:
        model = Span
        exclude = ["id", "system", "batch"]


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


class ClaimFilter(django_filters.FilterSet):
    """Narrow a list of claims."""

    system = django_filters.CharFilter("trace__system__key")
    release = django_filters.CharFilter("trace__release__name")
    since = django_filters.IsoDateTimeFilter("trace__started_at", "gte")
    until = django_filters.IsoDateTimeFilter("trace__started_at", "lt")
    trace = django_filters.UUIDFilter("trace__trace_id")
    verdict = django_filters.ChoiceFilter(choices=Citation.Verdict.choices, method="by_verdict")

    class Meta:
        model = Claim
        fields = ["material", "origin"]

    def by_verdict(self, queryset: QuerySet[Claim], name: str, value: str) -> QuerySet[Claim]:
        """Claims with a citation of this verdict."""
        del name
        return queryset.filter(Exists(Citation.objects.filter(claim=OuterRef("pk"), verdict=value)))


class ListedClaimOut(ClaimOut):
    """A claim in a list, with the trace it belongs to."""

    system = serializers.CharField(source="trace.system.key")
    trace_id = serializers.CharField(source="trace.trace_id.hex")
    revision = serializers.IntegerField(source="trace.revision")

    class Meta(ClaimOut.Meta):
        fields = ["system", "trace_id", "revision", *ClaimOut.Meta.fields]


_OF_ITS_TRACE: Final = ("trace__trace_id", "trace__revision", "trace__system__key")  # not its long texts


class ClaimList(ScopedList[Claim]):
    """Claims with their citations, newest first."""

    queryset = (
        Claim.objects.select_related("trace__system")
        .only("ordinal", "text", "start", "end", "material", "origin", "extractor_version", *_OF_ITS_TRACE)
        .prefetch_related("citations__found_in")
    )
    serializer_class = ListedClaimOut
    filterset_class = ClaimFilter


class SpanList(ScopedList[Span]):
    """The spans of one trace, as stored; readable from the moment they were acknowledged."""

    queryset = Span.objects.all()
    serializer_class = SpanOut
    filterset_class = SpanFilter

    def get_queryset(self) -> QuerySet[Span]:
        """Narrow to the trace in the address."""
        queryset = super().get_queryset()
        trace_id = self.kwargs.get("trace_id")
        return queryset.filter(trace_id=_parse_trace_id(trace_id)) if trace_id else queryset


class SpanSearch(ScopedList[Span]):
    """The spans of a window of time, newest first, by system, name or attribute."""

    queryset = Span.objects.all()
    serializer_class = SpanOut
    filterset_class = SpanSearchFilter


def _parse_trace_id(text: Any) -> uuid.UUID:
    try:
        return uuid.UUID(hex=str(text))
    except ValueError as exc:
        raise NotFound(f"{str(text)[:40]!r} is no trace id: 32 hexadecimal characters.") from exc
