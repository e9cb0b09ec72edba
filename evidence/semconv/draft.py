"""A trace as its spans tell it, before anything is looked up in a registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from evidence.vocabulary import ChoiceEnum

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class TraceStatus(ChoiceEnum):
    """Whether a trace has all of its spans."""

    COMPLETE = "complete"  # the root has ended
    INCOMPLETE = "incomplete"  # the root never came, and the time set for it is over


class PolicyDecision(ChoiceEnum):
    """What a policy gate inside the application decided."""

    ALLOW = "allow"
    DENY = "deny"
    ESCALATE = "escalate"


class Rule(ChoiceEnum):
    """Why a field was read from where it was, in the order in which they are preferred."""

    DECLARED = "declared"  # one of our own attributes says it
    READING = "reading"  # the system's own way of reading says where it stands
    AGENT_OUTPUT = "agent_output"  # what the root or the outermost agent was asked, or gave
    REACHED_ROOT = "reached_root"  # a model call on the main path, whose text is in what the root gave
    LAST_CALL = "last_call"  # the last model call that answers nobody but the person who asked
    MESSAGES = "messages"  # a message that tells of it, where no span of its own does
    STATED = "stated"  # the span that did it says so: a retrieval its documents, a call its model


class Absent(ChoiceEnum):
    """Why a question or an answer is empty."""

    NOT_RECORDED = "not_recorded"  # the sender did not record what was said
    NOT_RECOGNISED = "not_recognised"  # there is content, in no form that is known
    CALL_FAILED = "call_failed"  # the model call that would have given it failed
    FILTERED = "filtered"  # a content filter stopped it
    CUT = "cut"  # the token limit was reached before any text
    OPEN_TOOL_CALL = "open_tool_call"  # it ended on a tool call that nothing answered
    AMBIGUOUS = "ambiguous"  # several could be it, and none may be preferred


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Where a field was read: the span, the attribute as it was sent (or `event:NAME`) and the rule."""

    span_id: str
    attribute: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that could have been the one."""

    text: str
    source: Source


@dataclass(frozen=True, slots=True)
class Told:
    """A text with where it came from, or why there is none; `others` could have been it as well."""

    text: str = ""
    source: Source | None = None
    absent: Absent | None = None
    others: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """An image or a file beside the words: what it is, never what is in it."""

    span_id: str
    media_type: str  # as sent, or the modality (`image`) where no type is
    reference: str  # `sha256:<hex>` of what was sent inline, else the address or id as sent
    role: str  # whose message it was in: user, assistant, tool


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question with its answer. A trace holds as many as it has turns."""

    number: int  # from 0, in time
    question: Told
    answer: Told
    span_id: str  # that speaks for it
    finish_reason: str = ""  # as the library called it
    refused: bool = False  # the answer is a refusal
    attachments: tuple[Attachment, ...] = ()
    answer_is_prose: bool = True  # no claim is derived from JSON, a vector or code alone


@dataclass(frozen=True, slots=True)
class StepError:
    """A step that failed, as its span says."""

    span_id: str
    step: str  # name of the span
    message: str


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
    """One retrieved document. `rank` 0 is first; `score` is on the retriever's own scale.

    `document_ref` is empty where the document has no id: it is then known by its rank and its text.
    """

    span_id: str
    query: str
    index_key: str
    rank: int
    score: float | None
    document_ref: str
    text: str = ""  # of the document, as far as the span holds it
    source: Source | None = None


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
    call_id: str = ""  # as the model called it
    error: str = ""  # what its span or its response says went wrong
    source: Source | None = None


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
    exchanges: tuple[Exchange, ...] = ()  # in time; `question` and `answer` are those of the last
    # Of prompt, model, documents, tools, language, confidence: the first span each was read from.
    sources: Mapping[str, Source] = field(default_factory=lambda: NOTHING)
    conversation_ids: tuple[str, ...] = ()  # as given, each once; the first is that of the outermost span
    session_ids: tuple[str, ...] = ()
    user_ids: tuple[str, ...] = ()
    input_tokens: int | None = None  # over all model calls, each counted once; None where none says
    output_tokens: int | None = None
    cost: Decimal | None = None  # as sent, never computed; None where none says
    currency: str = ""  # of `cost`, ISO 4217
    finish_reasons: tuple[str, ...] = ()  # of the model calls that answered, each once
    errors: tuple[StepError, ...] = ()
