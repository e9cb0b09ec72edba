"""LangSmith's export over OpenTelemetry, of LangChain, LangGraph and whatever it traces.

Its runs are JSON in `gen_ai.prompt` and `gen_ai.completion`; what a run was, `langsmith.span.kind` says better than
`gen_ai.operation.name`, which calls a retriever `embeddings`.
"""

from __future__ import annotations

from typing import Final

from evidence.semconv.dialects.contract import Dialect, Documents, Meaning, Operation, OperationNames

LANGSMITH: Final = Dialect(
    title="LangSmith",
    operations=OperationNames(
        attribute="langsmith.span.kind",
        values={
            "llm": Operation.CHAT,
            "chain": Operation.CHAIN,
            "tool": Operation.TOOL,
            "retriever": Operation.RETRIEVAL,
            "embedding": Operation.EMBEDDING,
            "prompt": Operation.OTHER,
            "parser": Operation.OTHER,
        },
    ),
    attributes={
        Meaning.TOOL_ARGUMENTS: ("gen_ai.prompt",),
        Meaning.TOOL_RESULT: ("gen_ai.completion",),
        Meaning.RETRIEVAL_QUERY: ("gen_ai.prompt",),
        Meaning.CONVERSATION_ID: (
            "langsmith.metadata.conversation_id",
            "langsmith.metadata.thread_id",
        ),
        Meaning.SESSION_ID: ("langsmith.trace.session_id", "langsmith.metadata.session_id"),
        Meaning.USER_ID: ("langsmith.metadata.user_id",),
    },
    documents=Documents(attributes=("gen_ai.completion",)),
)
