"""What a span did, in the words of the current GenAI conventions, whichever convention it was written in."""

from __future__ import annotations

from typing import Final

from evidence.semconv.span_view import SpanView

AGENT: Final = "invoke_agent"
CHAT: Final = "chat"
EMBEDDING: Final = "embeddings"
RETRIEVAL: Final = "retrieval"
TOOL: Final = "execute_tool"
POLICY: Final = "policy_check"

_OPERATIONS: Final = {
    "invoke_agent": AGENT,
    "invoke_workflow": AGENT,
    "chat": CHAT,
    "text_completion": CHAT,
    "generate_content": CHAT,
    "embeddings": EMBEDDING,
    "retrieval": RETRIEVAL,
    "execute_tool": TOOL,
}
_OPENINFERENCE_KINDS: Final = {
    "AGENT": AGENT,
    "CHAIN": AGENT,
    "LLM": CHAT,
    "EMBEDDING": EMBEDDING,
    "RETRIEVER": RETRIEVAL,
    "TOOL": TOOL,
    "GUARDRAIL": POLICY,
}
_POLICY_PREFIX: Final = "policy_check "


def operation_of(span: SpanView) -> str:
    """Return one of the operations above, empty for a span of another kind (HTTP, database, own code)."""
    if span.has("tracebinder.policy.decision") or span.name.startswith(_POLICY_PREFIX):
        return POLICY
    stated = _OPERATIONS.get(span.text("gen_ai.operation.name"))
    if stated:
        return stated
    kind = _OPENINFERENCE_KINDS.get(span.text("openinference.span.kind").upper())
    if kind:
        return kind
    if span.has("gen_ai.retrieval.documents"):
        return RETRIEVAL
    # Conventions before 1.36 did not require the operation's name.
    return CHAT if span.has("gen_ai.system", "gen_ai.prompt", "gen_ai.completion") else ""


def rule_of(span: SpanView) -> str:
    """Return the rule a policy gate checked: its attribute, else what follows `policy_check` in the name."""
    return span.label("tracebinder.policy.rule") or span.cut(
        span.name.removeprefix(_POLICY_PREFIX), "span name"
    )
