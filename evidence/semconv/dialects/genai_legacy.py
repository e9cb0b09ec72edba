"""OpenTelemetry's conventions for generative AI before 1.36: messages as events, or flattened into attributes."""

from __future__ import annotations

from typing import Final

from evidence.semconv.dialects.contract import (
    Dialect,
    FlatMessage,
    IndexedMessages,
    Meaning,
    Messages,
    Operation,
    OperationNames,
)

_FLAT: Final = FlatMessage(
    role="role",
    content="content",
    part_ending=".text",
    tool_calls="tool_calls",
    call_id="id",
    call_name="name",
    call_arguments="arguments",
    answers_call="tool_call_id",
    finish_reason="finish_reason",
)

GENAI_LEGACY: Final = Dialect(
    title="OpenTelemetry GenAI before 1.36",
    operations=OperationNames(
        # The operation's name was not required.
        implied=dict.fromkeys(("gen_ai.system", "gen_ai.prompt", "gen_ai.completion"), Operation.CHAT),
    ),
    attributes={
        Meaning.INPUT_TEXT: ("gen_ai.prompt",),
        Meaning.OUTPUT_TEXT: ("gen_ai.completion",),
        Meaning.PROMPT_RECORDED: ("gen_ai.prompt",),
        Meaning.CONVERSATION_ID: ("gen_ai.thread.id",),
        Meaning.INPUT_TOKENS: ("gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"),
        Meaning.OUTPUT_TOKENS: ("gen_ai.usage.completion_tokens", "llm.usage.completion_tokens"),
        Meaning.ENVIRONMENT: ("deployment.environment",),
    },
    asked=Messages(
        indexed=(IndexedMessages(prefix="gen_ai.prompt", names=_FLAT),),
        events={
            "gen_ai.system.message": "system",
            "gen_ai.user.message": "user",
            "gen_ai.assistant.message": "assistant",
            "gen_ai.tool.message": "tool",
        },
        event_values={"gen_ai.content.prompt": "gen_ai.prompt"},
    ),
    answered=Messages(
        indexed=(IndexedMessages(prefix="gen_ai.completion", names=_FLAT),),
        events={"gen_ai.choice": "assistant"},
        event_values={"gen_ai.content.completion": "gen_ai.completion"},
    ),
    event_body="gen_ai.event.content",
    prompt_events=frozenset({"gen_ai.user.message", "gen_ai.system.message", "gen_ai.content.prompt"}),
)
