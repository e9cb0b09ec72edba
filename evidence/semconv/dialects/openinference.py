"""OpenInference, as Arize Phoenix and its instrumentations write it: arize-ai.github.io/openinference/spec."""

from __future__ import annotations

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
    names = FlatMessage(role="message.role", content="message.content", part_ending=".message_content.text")
    return Messages(indexed=(IndexedMessages(prefix=prefix, names=names),))


OPENINFERENCE: Final = Dialect(
    title="OpenInference",
    operations=OperationNames(
        attribute="openinference.span.kind",
        values={
            "AGENT": Operation.AGENT,
            "CHAIN": Operation.AGENT,
            "LLM": Operation.CHAT,
            "EMBEDDING": Operation.EMBEDDING,
            "RETRIEVER": Operation.RETRIEVAL,
            "TOOL": Operation.TOOL,
            "GUARDRAIL": Operation.POLICY,
        },
        in_capitals=True,
    ),
    attributes={
        Meaning.INPUT_TEXT: ("input.value",),
        Meaning.OUTPUT_TEXT: ("output.value",),
        Meaning.PROMPT_RECORDED: ("input.value", "llm.prompt_template.template"),
        Meaning.MODEL_ANSWERED: ("llm.response.model_name",),
        Meaning.RETRIEVAL_QUERY: ("input.value",),
        Meaning.TOOL_ARGUMENTS: ("tool.parameters", "input.value"),
        Meaning.TOOL_RESULT: ("output.value",),
    },
    versions={
        "model": VersionAttributes(name=("llm.request.model_name", "llm.model_name", "embedding.model_name")),
        "prompt": VersionAttributes(name=("prompt.id",), label=("llm.prompt_template.version",)),
        "tool": VersionAttributes(name=("tool.name",)),
    },
    asked=_messages("llm.input_messages"),
    answered=_messages("llm.output_messages"),
    documents=Documents(indexed="retrieval.documents", key_prefix="document."),
)
