"""A trace with everything assembled from it, as JSON."""

from __future__ import annotations

from rest_framework import serializers

from evidence.models import (
    Citation,
    Claim,
    PolicyCheck,
    Retrieval,
    Span,
    ToolCall,
    Trace,
    TraceDocument,
    TraceVersion,
)


class TraceOut(serializers.ModelSerializer[Trace]):
    """A trace in a list."""

    trace_id = serializers.SerializerMethodField()
    system = serializers.CharField(source="system.key")
    release = serializers.CharField(source="release.name", default=None)

    class Meta:
        model = Trace
        fields = [
            "trace_id", "revision", "digest", "system", "release", "environment", "status", "name", "risk_tier",
            "language", "started_at", "ended_at", "span_count", "question", "answer", "confidence_factors",
            "limitations", "flags", "assembler_version", "sealed_at",
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
    """A call of a tool with its arguments and result, JSON where they were sent as JSON."""

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


class ListedClaimOut(ClaimOut):
    """A claim in a list, with the trace it belongs to."""

    system = serializers.CharField(source="trace.system.key")
    trace_id = serializers.CharField(source="trace.trace_id.hex")
    revision = serializers.IntegerField(source="trace.revision")

    class Meta(ClaimOut.Meta):
        fields = ["system", "trace_id", "revision", *ClaimOut.Meta.fields]
