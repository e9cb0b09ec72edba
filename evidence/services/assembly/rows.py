"""The rows of one sealed trace, built from its draft. Nothing is saved here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from evidence.citations.verdict import CHECKER_VERSION
from evidence.models import (
    PolicyCheck,
    Release,
    Retrieval,
    System,
    ToolCall,
    Trace,
    TraceDocument,
    TraceFacts,
    TraceVersion,
)
from evidence.models.base import KEY_LENGTH
from evidence.selectors.readings import READING_SLOT, RULES_ALONE, ReadBy
from evidence.semconv.draft import Flag, TraceDraft, VersionRef
from evidence.semconv.exchange_json import (
    errors_as_json,
    exchange_as_json,
    flags_as_json,
    place_as_json,
    sources_as_json,
)
from evidence.semconv.mapping import MAPPER_VERSION
from evidence.services.assembly.claims import CheckedClaim, TraceIndexes
from evidence.services.assembly.conversations import name_conversation
from evidence.services.assembly.sources import IndexShelf
from evidence.services.assembly.versions import ResolvedVersion

ASSEMBLER_VERSION: Final = f"assembler/1 {MAPPER_VERSION} {CHECKER_VERSION}"

LONGEST_TEXT: Final = 10_000  # code points of a document as sent that a retrieval keeps
_LARGEST_COUNT: Final = 2**63 - 1  # of a column of whole numbers
_LARGEST_COST: Final = Decimal(10) ** 18
_SMALLEST_COST: Final = Decimal(10) ** -12

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TraceInputs:
    """A draft with what the registry knows of it."""

    system: System
    draft: TraceDraft
    release: Release | None
    versions: Mapping[VersionRef, ResolvedVersion]
    indexes: TraceIndexes
    flags: tuple[Flag, ...]
    read_by: ReadBy = RULES_ALONE

    def version_id(self, ref: VersionRef | None) -> int | None:
        """Return the primary key of the version a reference leads to."""
        return None if ref is None else self.versions[ref].version.pk


def find_indexes(versions: Mapping[VersionRef, ResolvedVersion]) -> TraceIndexes:
    """Return the index versions among those that a trace used, in the order of its references."""
    by_key: dict[str, tuple[int, ...]] = {}
    for ref, found in versions.items():
        if ref.kind == "index":
            by_key[ref.key] = (*by_key.get(ref.key, ()), found.version.pk)
    return TraceIndexes(tuple(sorted({pk for pks in by_key.values() for pk in pks})), by_key)


def build_trace(inputs: TraceInputs, *, trace_id: UUID, revision: int, sealed_at: datetime) -> Trace:
    """Return the unsaved row of one revision."""
    draft = inputs.draft
    trace = Trace.unsaved(
        trace_id=trace_id,
        revision=revision,
        digest=draft.trace_digest,
        span_ids=list(draft.span_ids),
        status=draft.status,
        name=draft.name,
        root_span_id=draft.root_span_id,
        environment=draft.environment,
        started_at=_time_of(draft.start_ns),
        ended_at=_time_of(draft.end_ns),
        span_count=draft.span_count,
        question=draft.question,
        answer=draft.answer,
        exchanges=[exchange_as_json(one) for one in draft.exchanges],
        sources=sources_as_json(draft.sources),
        conversation_ids=list(draft.conversation_ids),
        session_ids=list(draft.session_ids),
        user_ids=list(draft.user_ids),
        input_tokens=_as_count(draft.input_tokens),
        output_tokens=_as_count(draft.output_tokens),
        cost=_as_cost(draft.cost),
        currency=draft.currency[:KEY_LENGTH],
        finish_reasons=list(draft.finish_reasons),
        errors=errors_as_json(draft.errors),
        language=draft.language,
        risk_tier=draft.risk_tier or inputs.system.risk_tier,
        confidence_factors=list(draft.confidence_factors),
        limitations=list(draft.limitations),
        flags=flags_as_json(inputs.flags),
        assembler_version=ASSEMBLER_VERSION,
        sealed_at=sealed_at,
    )
    trace.system, trace.release = inputs.system, inputs.release
    return trace


def build_versions(trace: Trace, inputs: TraceInputs) -> list[TraceVersion]:
    """Return the versions the trace used, each once a slot, and the one of the system's reading that it was read by."""
    pairs = {(ref.slot, found.version.pk) for ref, found in inputs.versions.items()}
    if inputs.read_by.version:
        pairs.add((READING_SLOT, inputs.read_by.version.pk))
    return [TraceVersion.unsaved(trace_id=trace.pk, slot=slot, version_id=pk) for slot, pk in sorted(pairs)]


def build_retrievals(trace: Trace, inputs: TraceInputs, shelf: IndexShelf) -> list[Retrieval]:
    """Return the documents retrieved, with their rows where the index version holds them."""
    rows = []
    for one in inputs.draft.retrievals:
        document = shelf.find(inputs.indexes.meant_by(one.index_key), one.document_ref)
        rows.append(
            Retrieval.unsaved(
                trace_id=trace.pk,
                span_id=one.span_id,
                query=one.query,
                rank=one.rank,
                score=one.score,
                document_ref=one.document_ref,
                document_id=document.pk if document else None,
                text="" if document else one.text[:LONGEST_TEXT],
                source=place_as_json(one.source),
            )
        )
    return rows


def flag_cut_texts(inputs: TraceInputs, shelf: IndexShelf) -> TraceInputs:
    """Return the inputs with a flag for each document whose text as sent is longer than a retrieval keeps."""
    cut = [
        Flag("document_text_cut", f"of {len(one.text)} characters {LONGEST_TEXT} are kept", one.span_id)
        for one in inputs.draft.retrievals
        if len(one.text) > LONGEST_TEXT
        and shelf.find(inputs.indexes.meant_by(one.index_key), one.document_ref) is None
    ]
    return replace(inputs, flags=tuple(sorted({*inputs.flags, *cut}))) if cut else inputs


def build_documents(
    trace: Trace, inputs: TraceInputs, claims: Iterable[CheckedClaim], shelf: IndexShelf
) -> list[TraceDocument]:
    """Return the known documents the trace relied on, each once, by the digest of its text."""
    retrieved = (
        shelf.find(inputs.indexes.meant_by(one.index_key), one.document_ref)
        for one in inputs.draft.retrievals
    )
    cited = {one.document_digest for claim in claims for one in claim.citations if one.document_digest}
    known = {found.source.digest for found in retrieved if found is not None} | cited
    return [
        TraceDocument.unsaved(trace_id=trace.pk, digest=digest, cited=digest in cited)
        for digest in sorted(known)
    ]


def build_policy_checks(trace: Trace, inputs: TraceInputs) -> list[PolicyCheck]:
    """Return what the policy gates decided."""
    return [
        PolicyCheck.unsaved(
            trace_id=trace.pk,
            span_id=one.span_id,
            rule=one.rule,
            decision=one.decision,
            reason=one.reason,
            version_id=inputs.version_id(one.version),
        )
        for one in inputs.draft.policy_checks
    ]


def build_tool_calls(trace: Trace, inputs: TraceInputs) -> list[ToolCall]:
    """Return the tools called."""
    return [
        ToolCall.unsaved(
            trace_id=trace.pk,
            span_id=one.span_id,
            tool=one.tool,
            arguments=one.arguments,
            result=one.result,
            version_id=inputs.version_id(one.version),
            call_id=one.call_id,
            error=one.error,
            source=place_as_json(one.source),
        )
        for one in inputs.draft.tool_calls
    ]


def build_facts(trace: Trace, inputs: TraceInputs, claims: Sequence[CheckedClaim]) -> TraceFacts:
    """Return what assessments count."""
    draft = inputs.draft
    material = [claim for claim in claims if claim.material]
    citations = [citation for claim in claims for citation in claim.citations]
    decisions = [check.decision for check in draft.policy_checks]
    stated = {ref.slot for ref in draft.versions if ref.label or ref.digest}
    unregistered = {found.version.pk for found in inputs.versions.values() if not found.registered}
    return TraceFacts.unsaved(
        trace_id=trace.pk,
        n_claims=len(claims),
        n_declared=sum(claim.declared for claim in claims),
        n_material_declared=sum(claim.declared for claim in material),
        n_material=len(material),
        n_material_cited=sum(bool(claim.citations) for claim in material),
        n_material_supported=sum(any(one.found for one in claim.citations) for claim in material),
        n_citations=len(citations),
        n_citations_found=sum(one.found for one in citations),
        has_prompt=draft.has_prompt,
        has_sources=bool(draft.retrievals),
        has_tools=bool(draft.tool_calls),
        has_confidence=bool(draft.confidence_factors),
        has_limitations=bool(draft.limitations),
        n_policy_checks=len(decisions),
        n_policy_denied=decisions.count(PolicyCheck.Decision.DENY),
        n_policy_escalated=decisions.count(PolicyCheck.Decision.ESCALATE),
        has_model_version="model" in stated,
        has_prompt_version="prompt" in stated,
        has_index_version="index" in stated,
        n_unregistered_versions=len(unregistered),
        conversation=name_conversation(inputs.system.key, draft.conversation_ids),
    )


def collect_flags(draft: TraceDraft, extra: Iterable[Flag]) -> tuple[Flag, ...]:
    """Return all flags of a trace, each once, in an order of their own."""
    return tuple(sorted({*draft.flags, *extra}))


def _as_count(told: int | None) -> int | None:
    """Return a number of tokens, None where it is none that a column holds."""
    return told if told is not None and 0 <= told <= _LARGEST_COUNT else None


def _as_cost(told: Decimal | None) -> Decimal | None:
    """Return a cost as its column keeps it, None where it is no amount of money."""
    if told is None or not told.is_finite() or abs(told) >= _LARGEST_COST:
        return None
    return told.quantize(_SMALLEST_COST)


def _time_of(nanoseconds: int) -> datetime:
    """Return an aware time, cut to the microseconds PostgreSQL keeps."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1_000)
