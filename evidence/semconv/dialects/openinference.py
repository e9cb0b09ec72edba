"""OpenInference, as Arize Phoenix and its instrumentations write it: arize-ai.github.io/openinference/spec."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from evidence.semconv.dialects.contract import (
    Dialect,
    Documents,
    FlatMessage,
    IndexedMessages,
    Meaning,
    Messages,
    Operation,
    OperationNames,
    VersionAttributes,
)


def _messages(prefix: str) -> Messages:
    """Messages as `prefix.N.message.role`, their text as `message.content` or in parts."""
    names = FlatMessage(
        role="message.role",
        content="message.content",
        part_ending=".message_content.text",
        image_ending=".message_content.image.image.url",
        tool_calls="message.tool_calls",
        call_id="tool_call.id",
        call_name="tool_call.function.name",
        call_arguments="tool_call.function.arguments",
        answers_call="message.tool_call_id",
        finish_reason="message.finish_reason",
    )
    return Messages(indexed=(IndexedMessages(prefix=prefix, names=names),))


def _completion(prefix: str, content: str) -> IndexedMessages:
    """Texts of a completion as `prefix.N.<content>`, each whose side it is on."""
    return IndexedMessages(prefix=prefix, names=FlatMessage(role="", content=content, part_ending=content))


_ASKED: Final = _messages("llm.input_messages")
_ANSWERED: Final = _messages("llm.output_messages")

OPENINFERENCE: Final = Dialect(
    title="OpenInference",
    operations=OperationNames(
        attribute="openinference.span.kind",
        values={
            "AGENT": Operation.AGENT,
            "CHAIN": Operation.CHAIN,
            "LLM": Operation.CHAT,
            "EMBEDDING": Operation.EMBEDDING,
            "RETRIEVER": Operation.RETRIEVAL,
            "RERANKER": Operation.RERANK,
            "TOOL": Operation.TOOL,
            "GUARDRAIL": Operation.POLICY,
            "EVALUATOR": Operation.EVALUATION,
            "PROMPT": Operation.OTHER,
        },
        in_capitals=True,
    ),
    attributes={
        Meaning.INPUT_TEXT: ("input.value",),
        Meaning.OUTPUT_TEXT: ("output.value",),
        Meaning.PROMPT_RECORDED: ("input.value", "llm.prompt_template.template"),
        Meaning.MODEL_ANSWERED: ("llm.response.model_name",),
        Meaning.RETRIEVAL_QUERY: ("reranker.query", "input.value"),
        Meaning.TOOL_ARGUMENTS: ("input.value", "tool.parameters"),
        Meaning.TOOL_RESULT: ("output.value",),
        Meaning.TOOL_CALL_ID: ("tool.id", "tool_call.id"),
        Meaning.FINISH_REASON: ("llm.finish_reason",),
        Meaning.AGENT_NAME: ("agent.name", "graph.node.name"),
        Meaning.INPUT_TOKENS: ("llm.token_count.prompt",),
        Meaning.OUTPUT_TOKENS: ("llm.token_count.completion",),
        Meaning.COST: ("llm.cost.total",),
    },
    versions={
        "model": VersionAttributes(
            name=(
                "llm.request.model_name",
                "llm.model_name",
                "embedding.model_name",
                "llm.invocation_parameters.model",
            )
        ),
        "prompt": VersionAttributes(name=("prompt.id",), label=("llm.prompt_template.version",)),
        "tool": VersionAttributes(name=("tool.name",)),
    },
    asked=replace(_ASKED, indexed=(*_ASKED.indexed, _completion("llm.prompts", "prompt.text"))),
    answered=replace(_ANSWERED, indexed=(*_ANSWERED.indexed, _completion("llm.choices", "completion.text"))),
    documents=Documents(
        attributes=("output.value",),
        indexed=("retrieval.documents", "reranker.output_documents"),
        key_prefix="document.",
    ),
    unfolded=("llm.invocation_parameters",),
    withheld={"__REDACTED__": ()},
)
