"""What was done inside a trace: documents retrieved, policy gates passed, tools called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from evidence.semconv.dialects import DIALECTS, Meaning, Operation, attributes_for, version_attributes
from evidence.semconv.dialects.contract import Documents
from evidence.semconv.dialects.tracebinder import POLICY_DECISION, POLICY_REASON, POLICY_RULE, POLICY_SPAN
from evidence.semconv.draft import PolicyCheckDraft, PolicyDecision, RetrievalDraft, ToolCallDraft, VersionRef
from evidence.semconv.span_view import SpanView, finite_number
from evidence.semconv.versions import policy_version_of, tool_name_of, tool_version_of

_QUERY: Final = attributes_for(Meaning.RETRIEVAL_QUERY)
_INDEX: Final = version_attributes("index").name
_TOOL_ARGUMENTS: Final = attributes_for(Meaning.TOOL_ARGUMENTS)
_TOOL_RESULT: Final = attributes_for(Meaning.TOOL_RESULT)


def read_retrievals(spans: Iterable[SpanView]) -> tuple[RetrievalDraft, ...]:
    """Return the documents that retrievals returned, best first; a document without an id is flagged."""
    return tuple(found for span in _doing(spans, Operation.RETRIEVAL) for found in _retrievals_of(span))


def read_policy_checks(
    spans: Iterable[SpanView], merged: Mapping[VersionRef, VersionRef]
) -> tuple[PolicyCheckDraft, ...]:
    """Return what policy gates decided; a decision that is none of the three is flagged and not counted.

    Args:
        merged: what `versions.merge_versions` made of the versions that all spans of the trace name.
    """
    found = (_policy_check_of(span, merged) for span in _doing(spans, Operation.POLICY))
    return tuple(check for check in found if check is not None)


def read_tool_calls(
    spans: Iterable[SpanView], merged: Mapping[VersionRef, VersionRef]
) -> tuple[ToolCallDraft, ...]:
    """Return the tool calls with arguments and results, JSON where they are JSON; `merged` as above."""
    return tuple(_tool_call_of(span, merged) for span in _doing(spans, Operation.TOOL))


def _doing(spans: Iterable[SpanView], operation: Operation) -> Iterator[SpanView]:
    return (span for span in spans if span.operation is operation)


def _retrievals_of(span: SpanView) -> Iterator[RetrievalDraft]:
    query = span.text(*_QUERY)
    index_key = span.label(*_INDEX)
    documents = list(_documents(span))
    if not documents:
        span.flags.add("retrieval_empty", "the retrieval returned no document", span.span_id)
    for rank, (ref, score) in enumerate(documents):
        yield RetrievalDraft(span.span_id, query, index_key, rank, score, ref)


def _policy_check_of(span: SpanView, merged: Mapping[VersionRef, VersionRef]) -> PolicyCheckDraft | None:
    decision = span.text(POLICY_DECISION).strip().lower()
    if decision not in set(PolicyDecision):
        detail = (
            f"policy gate {_rule_of(span)!r} states the decision {decision!r}, not allow, deny or escalate"
        )
        span.flags.add("policy_decision_unknown", detail, span.span_id)
        return None
    version = policy_version_of(span)
    return PolicyCheckDraft(
        span_id=span.span_id,
        rule=_rule_of(span),
        decision=PolicyDecision(decision),
        reason=span.text(POLICY_REASON),
        version=merged[version] if version else None,
    )


def _tool_call_of(span: SpanView, merged: Mapping[VersionRef, VersionRef]) -> ToolCallDraft:
    version = tool_version_of(span)
    return ToolCallDraft(
        span_id=span.span_id,
        tool=tool_name_of(span),
        arguments=span.json_or_text(*_TOOL_ARGUMENTS),
        result=span.json_or_text(*_TOOL_RESULT),
        version=merged[version] if version else None,
    )


def _rule_of(span: SpanView) -> str:
    """Return the rule a policy gate checked: its attribute, else what follows `policy_check` in the name."""
    return span.label(POLICY_RULE) or span.cut(span.name.removeprefix(POLICY_SPAN), "span name")


def _documents(span: SpanView) -> Iterator[tuple[str, float | None]]:
    rows = next((rows for dialect in DIALECTS if (rows := _rows(span, dialect.documents))), [])
    for row in rows:
        ref = row.get("id") if isinstance(row, Mapping) else row
        if isinstance(ref, bool) or not isinstance(ref, str | int) or ref == "":
            span.flags.add("malformed_attribute", "a retrieved document has no id", span.span_id)
            continue
        score = finite_number(row.get("score")) if isinstance(row, Mapping) else None
        yield span.cut(str(ref), "document id"), score


def _rows(span: SpanView, documents: Documents) -> list[Any]:
    listed = span.json_list(documents.attribute) if span.has(documents.attribute) else []
    if listed or not documents.indexed:
        return listed
    return [
        {key.removeprefix(documents.key_prefix): value for key, value in row.items()}
        for row in span.indexed(documents.indexed)
    ]
