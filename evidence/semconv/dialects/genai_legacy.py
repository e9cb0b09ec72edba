"""OpenTelemetry's conventions for generative AI before 1.36: messages as events, or flattened into attributes."""

from __future__ import annotations

from typing import Final

from evidence.semconv.dialects.contract import (
    Dialect,
    IndexedMessages,
    Meaning,
    Messages,
    Operation,
    OperationNames,
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
        Meaning.ENVIRONMENT: ("deployment.environment",),
    },
    asked=Messages(
        indexed=(IndexedMessages(prefix="gen_ai.prompt"),),
        events=frozenset({"gen_ai.user.message"}),
    ),
    answered=Messages(
        indexed=(IndexedMessages(prefix="gen_ai.completion"),),
        events=frozenset({"gen_ai.choice", "gen_ai.assistant.message"}),
    ),
    prompt_events=frozenset({"gen_ai.user.message", "gen_ai.system.message", "gen_ai.content.prompt"}),
)
