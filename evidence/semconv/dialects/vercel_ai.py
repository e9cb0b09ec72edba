"""The Vercel AI SDK, versions 4 to 6: `ai.*` on spans of its own, with some of the GenAI attributes beside them."""

from __future__ import annotations

from typing import Final

from evidence.semconv.dialects.contract import (
    Dialect,
    Meaning,
    Messages,
    Operation,
    OperationNames,
    VersionAttributes,
)

# What a function does around its model calls: `ai.generateText` calls a model in each `ai.generateText.doGenerate`.
_FRAMES: Final = ("ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject")
_CALLS: Final = (
    "ai.generateText.doGenerate", "ai.streamText.doStream", "ai.generateObject.doGenerate",
    "ai.streamObject.doStream",
)  # fmt: skip
_EMBEDDINGS: Final = ("ai.embed", "ai.embedMany", "ai.embed.doEmbed", "ai.embedMany.doEmbed")


def _metadata(*names: str) -> tuple[str, ...]:
    return tuple(f"ai.telemetry.metadata.{name}" for name in names)


VERCEL_AI: Final = Dialect(
    title="Vercel AI SDK",
    operations=OperationNames(
        attribute="ai.operationId",
        values={
            **dict.fromkeys(_FRAMES, Operation.CHAIN),
            **dict.fromkeys(_CALLS, Operation.CHAT),
            **dict.fromkeys(_EMBEDDINGS, Operation.EMBEDDING),
            "ai.toolCall": Operation.TOOL,
            "ai.rerank": Operation.RERANK,
        },
    ),
    attributes={
        Meaning.INPUT_TEXT: ("ai.prompt",),
        Meaning.OUTPUT_TEXT: ("ai.response.text", "ai.response.object", "ai.result.text", "ai.result.object"),
        Meaning.PROMPT_RECORDED: ("ai.prompt.messages", "ai.prompt"),
        Meaning.FINISH_REASON: ("ai.response.finishReason", "ai.finishReason"),
        Meaning.AGENT_NAME: ("ai.telemetry.functionId",),
        Meaning.MODEL_ANSWERED: ("ai.response.model",),
        Meaning.TOOL_ARGUMENTS: ("ai.toolCall.args",),
        Meaning.TOOL_RESULT: ("ai.toolCall.result",),
        Meaning.TOOL_CALL_ID: ("ai.toolCall.id",),
        Meaning.CONVERSATION_ID: _metadata("conversationId", "threadId", "chatId"),
        Meaning.SESSION_ID: _metadata("sessionId"),
        Meaning.USER_ID: _metadata("userId"),
        Meaning.INPUT_TOKENS: ("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
        Meaning.OUTPUT_TOKENS: ("ai.usage.outputTokens", "ai.usage.completionTokens"),
    },
    versions={
        "model": VersionAttributes(name=("ai.model.id",)),
        "tool": VersionAttributes(name=("ai.toolCall.name",)),
    },
    asked=Messages(attributes=("ai.prompt.messages",)),
    answered=Messages(attributes=("ai.response.toolCalls",)),
)
