"""What was done inside a trace: documents retrieved, policy gates passed, tools called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evidence.semconv.draft import PolicyCheckDraft, PolicyDecision, RetrievalDraft, ToolCallDraft, VersionRef
from evidence.semconv.operations import rule_of
from evidence.semconv.span_view import SpanView, finite_number
from evidence.semconv.versions import policy_version_of, tool_name_of, tool_version_of


def retrievals_of(span: SpanView) -> Iterator[RetrievalDraft]:
    """Yield the documents a retrieval span returned, best first; a document without an id is flagged."""
    query = span.text("gen_ai.retrieval.query.text", "input.value")
    index_key = span.label("gen_ai.data_source.id")
    documents = list(_documents(span))
    if not documents:
        span.flags.add("retrieval_empty", "the retrieval returned no document", span.span_id)
    for rank, (ref, score) in enumerate(documents):
        yield RetrievalDraft(span.span_id, query, index_key, rank, score, ref)


def policy_check_of(span: SpanView) -> PolicyCheckDraft | None:
    """Return what a policy gate decided; a decision that is none of the three is flagged and not counted."""
    decision = span.text("tracebinder.policy.decision").strip().lower()
    if decision not in set(PolicyDecision):
        detail = (
            f"policy gate {rule_of(span)!r} states the decision {decision!r}, not allow, deny or escalate"
        )
        span.flags.add("policy_decision_unknown", detail, span.span_id)
        return None
    return PolicyCheckDraft(
        span_id=span.span_id,
        rule=rule_of(span),
        decision=PolicyDecision(decision),
        reason=span.text("tracebinder.policy.reason"),
        version=policy_version_of(span),
    )


def tool_call_of(span: SpanView) -> ToolCallDraft:
    """Return a tool call with its arguments and result, JSON where they are JSON."""
    return ToolCallDraft(
        span_id=span.span_id,
        tool=tool_name_of(span),
        arguments=_first(span, "gen_ai.tool.call.arguments", "tool.parameters", "input.value"),
        result=_first(span, "gen_ai.tool.call.result", "output.value"),
        version=tool_version_of(span),
    )


def with_version(
    draft: PolicyCheckDraft | ToolCallDraft, merged: Mapping[VersionRef, VersionRef]
) -> VersionRef | None:
    """Return the version of a step after all spans have been heard."""
    return None if draft.version is None else merged[draft.version]


def _documents(span: SpanView) -> Iterator[tuple[str, float | None]]:
    rows: list[Any] = (
        span.json_list("gen_ai.retrieval.documents") if span.has("gen_ai.retrieval.documents") else []
    )
    rows = rows or [
        {key.removeprefix("document."): value for key, value in row.items()}
        for row in span.indexed("retrieval.documents")
    ]
    for row in rows:
        ref = row.get("id") if isinstance(row, Mapping) else row
        if isinstance(ref, bool) or not isinstance(ref, str | int) or ref == "":
            span.flags.add("malformed_attribute", "a retrieved document has no id", span.span_id)
            continue
        score = finite_number(row.get("score")) if isinstance(row, Mapping) else None
        yield span.cut(str(ref), "document id"), score


def _first(span: SpanView, *keys: str) -> Any:
    return next((span.json_or_text(key) for key in keys if span.has(key)), None)
