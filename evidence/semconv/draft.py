"""A trace as its spans tell it, before anything is looked up in a registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evidence.vocabulary import ChoiceEnum


class TraceStatus(ChoiceEnum):
    """Whether a trace has all of its spans."""

    COMPLETE = "complete"  # the root has ended
    INCOMPLETE = "incomplete"  # the root never came, and the time set for it is over


class PolicyDecision(ChoiceEnum):
    """What a policy gate inside the application decided."""

    ALLOW = "allow"
    DENY = "deny"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True, order=True)
class Flag:
    """Something a reader of the trace should know. `code` is stable: `docs/reference/citations.md`."""

    code: str
    detail: str
    span_id: str = ""


@dataclass(frozen=True, slots=True, order=True)
class VersionRef:
    """A version as a span names it. `key`, `label` and `digest` are empty where the span does not say."""

    kind: str  # an artefact kind: model, prompt, index, policy, tool
    slot: str  # as in a release: the kind, `embedding_model`, or `tool:<key>`
    key: str
    label: str
    digest: str  # SHA-256, 64 hexadecimal characters


@dataclass(frozen=True, slots=True)
class RetrievalDraft:
    """One retrieved document. `rank` 0 is first; `score` is on the retriever's own scale."""

    span_id: str
    query: str
    index_key: str
    rank: int
    score: float | None
    document_ref: str


@dataclass(frozen=True, slots=True)
class PolicyCheckDraft:
    """What a policy gate inside the trace decided."""

    span_id: str
    rule: str
    decision: PolicyDecision
    reason: str
    version: VersionRef | None


@dataclass(frozen=True, slots=True)
class ToolCallDraft:
    """One call of a tool; arguments and result are JSON values, None where not stated."""

    span_id: str
    tool: str
    arguments: Any
    result: Any
    version: VersionRef | None


@dataclass(frozen=True, slots=True)
class CitationDraft:
    """A declared citation. `start` is where in the document the quote is said to begin, in code points."""

    document_ref: str
    index_key: str
    quote: str
    start: int | None


@dataclass(frozen=True, slots=True)
class ClaimDraft:
    """A declared claim, at [start, end) of the answer in code points; 0, 0 where it could not be placed.

    `material` is None where the application did not say.
    """

    text: str
    start: int
    end: int
    material: bool | None
    citations: tuple[CitationDraft, ...]


@dataclass(frozen=True, slots=True)
class TraceDraft:
    """One trace. Times are nanoseconds since 1970 by the sender's clock; texts are empty where not stated."""

    trace_digest: str
    span_ids: tuple[str, ...]  # sorted
    status: TraceStatus
    name: str
    root_span_id: str
    start_ns: int
    end_ns: int
    span_count: int
    environment: str
    release: str
    question: str
    answer: str
    language: str
    risk_tier: str  # of RiskTier, empty where not stated
    has_prompt: bool  # what was put to a model is recorded
    claims_declared: bool
    confidence_factors: tuple[dict[str, Any], ...]
    limitations: tuple[str, ...]
    retrievals: tuple[RetrievalDraft, ...]
    policy_checks: tuple[PolicyCheckDraft, ...]
    tool_calls: tuple[ToolCallDraft, ...]
    claims: tuple[ClaimDraft, ...]
    versions: tuple[VersionRef, ...]
    flags: tuple[Flag, ...]
