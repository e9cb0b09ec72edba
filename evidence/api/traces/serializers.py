"""A trace with everything assembled from it, as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from evidence.api.trace_ids import TraceIdField
from evidence.api.traces.citations import CitationOut, ComparedCitationOut
from evidence.api.traces.conversations import NeighboursOut
from evidence.api.traces.exchanges import ExchangeOut, PlaceOut, SourceOut, StepErrorOut
from evidence.claim_words import say_standing
from evidence.erased import ERASED_KEY
from evidence.models import (
    Claim,
    PolicyCheck,
    Retrieval,
    Span,
    ToolCall,
    Trace,
    TraceDocument,
    TraceFacts,
    TraceVersion,
)
from evidence.selectors.citations import is_found


class GivenIds(serializers.ListField):
    """Texts as a sender gave them; null where the trace was sealed before they were read."""

    child = serializers.CharField()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)


class TraceOut(serializers.ModelSerializer[Trace]):
    """A trace in a list."""

    trace_id = TraceIdField()
    system = serializers.CharField(source="system.key")
    release = serializers.CharField(source="release.name", allow_null=True)
    conversation_ids = GivenIds(help_text="As sent; null: sealed before traces told them.")
    session_ids = GivenIds()
    user_ids = GivenIds()
    finish_reasons = GivenIds(help_text="Of the model calls that answered, as sent.")
    cost = serializers.DecimalField(
        max_digits=30, decimal_places=12, normalize_output=True, allow_null=True, help_text="As sent."
    )

    class Meta:
        model = Trace
        fields = [
            "trace_id", "revision", "digest", "system", "release", "environment", "status", "name", "risk_tier",
            "language", "started_at", "ended_at", "span_count", "question", "answer", "confidence_factors",
            "limitations", "conversation_ids", "session_ids", "user_ids", "input_tokens", "output_tokens", "cost",
            "currency", "finish_reasons", "flags", "assembler_version", "sealed_at",
        ]  # fmt: skip


class ClaimOut(serializers.ModelSerializer[Claim]):
    """A claim with its citations, and how many of them were found."""

    n_citations = serializers.SerializerMethodField()
    n_citations_found = serializers.SerializerMethodField(
        help_text="Of them, those whose quote stands in the document it names."
    )
    standing = serializers.SerializerMethodField(help_text="How it is backed, in the language asked for.")
    citations = CitationOut(many=True)

    class Meta:
        model = Claim
        fields = [
            "ordinal", "exchange", "text", "start", "end", "material", "origin", "extractor_version", "n_citations",
            "n_citations_found", "standing", "citations",
        ]  # fmt: skip

    def get_n_citations(self, claim: Claim) -> int:
        """Count the citations, which were read with the claim."""
        return len(claim.citations.all())

    def get_n_citations_found(self, claim: Claim) -> int:
        """Count those that were found."""
        return sum(is_found(one) for one in claim.citations.all())

    def get_standing(self, claim: Claim) -> str:
        """Say how the claim is backed."""
        return say_standing(
            n_found=self.get_n_citations_found(claim),
            n_citations=self.get_n_citations(claim),
            material=claim.material,
        )


class ComparedClaimOut(ClaimOut):
    """A claim whose citations are compared with their documents, word by word."""

    citations = ComparedCitationOut(many=True)


class FactsOut(serializers.ModelSerializer[TraceFacts]):
    """How many claims, declared ones apart: a claim that the extractor missed makes every share look better."""

    n_derived = serializers.SerializerMethodField(
        help_text="Found by the extractor; null: not counted apart."
    )
    n_material_derived = serializers.SerializerMethodField()

    class Meta:
        model = TraceFacts
        fields = [
            "n_claims", "n_declared", "n_derived", "n_material", "n_material_declared", "n_material_derived",
            "n_material_cited", "n_material_supported", "n_citations", "n_citations_found",
        ]  # fmt: skip

    def get_n_derived(self, facts: TraceFacts) -> int | None:
        """Count the claims that nobody declared."""
        return None if facts.n_declared is None else facts.n_claims - facts.n_declared

    def get_n_material_derived(self, facts: TraceFacts) -> int | None:
        """Count those of them that are material."""
        declared = facts.n_material_declared
        return None if declared is None else facts.n_material - declared


class RetrievalOut(serializers.ModelSerializer[Retrieval]):
    """A retrieved document. One without an id is known by its rank, and by its text where that was sent."""

    source = PlaceOut(allow_null=True)  # type: ignore[assignment]  # shadows Field.source

    class Meta:
        model = Retrieval
        fields = ["span_id", "query", "rank", "score", "document_ref", "text", "source"]


class PolicyCheckOut(serializers.ModelSerializer[PolicyCheck]):
    """A policy gate's decision inside the trace."""

    class Meta:
        model = PolicyCheck
        fields = ["span_id", "rule", "decision", "reason"]


class ToolCallOut(serializers.ModelSerializer[ToolCall]):
    """A call of a tool with its arguments and result, JSON where they were sent as JSON."""

    source = PlaceOut(allow_null=True)  # type: ignore[assignment]  # shadows Field.source

    class Meta:
        model = ToolCall
        fields = ["span_id", "call_id", "tool", "arguments", "result", "error", "source"]


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

    exchanges = ExchangeOut(
        many=True,
        allow_null=True,
        help_text="Each turn; null where the trace was sealed before they were told.",
    )
    sources = serializers.SerializerMethodField(
        help_text="Where prompt, model, documents, tools, language and confidence were first read."
    )
    errors = StepErrorOut(many=True, allow_null=True)  # type: ignore[assignment]  # shadows Serializer.errors
    facts = FactsOut(allow_null=True, default=None)
    claims = ComparedClaimOut(many=True)
    retrievals = RetrievalOut(many=True)
    policy_checks = PolicyCheckOut(many=True)
    tool_calls = ToolCallOut(many=True)
    versions = TraceVersionOut(many=True)
    documents = TraceDocumentOut(many=True)
    neighbours = serializers.SerializerMethodField(
        help_text="Where it stands in its conversation and its session, among the traces that you may see."
    )

    class Meta(TraceOut.Meta):
        fields = [
            *TraceOut.Meta.fields, "exchanges", "sources", "errors", "facts", "claims", "retrievals",
            "policy_checks", "tool_calls", "versions", "documents", "neighbours",
        ]  # fmt: skip

    @extend_schema_field(serializers.DictField(child=SourceOut(), allow_null=True))
    def get_sources(self, trace: Trace) -> Any:
        """Return where each field was read; of an erased trace nobody can say it any more."""
        return {} if trace.sources and ERASED_KEY in trace.sources else trace.sources

    @extend_schema_field(NeighboursOut(many=True))
    def get_neighbours(self, trace: Trace) -> Any:
        """Return what the view found, which knows who asks."""
        del trace
        return NeighboursOut(self.context["neighbours"], many=True).data


class SpanOut(serializers.ModelSerializer[Span]):
    """A span as it was sent."""

    trace_id = TraceIdField()

    class Meta:
        model = Span
        exclude = ["id", "system", "batch"]


class ListedClaimOut(ClaimOut):
    """A claim in a list, with the trace it belongs to."""

    system = serializers.CharField(source="trace.system.key")
    trace_id = TraceIdField(source="trace.trace_id")
    revision = serializers.IntegerField(source="trace.revision")

    class Meta(ClaimOut.Meta):
        fields = ["system", "trace_id", "revision", *ClaimOut.Meta.fields]
