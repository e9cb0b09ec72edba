"""The OpenAI Agents SDK: OpenInference, with a span for each handoff beside the tool call that asked for it."""

from __future__ import annotations

from typing import Final

from evidence.semconv.dialects.contract import Dialect, Operation, OperationNames

OPENAI_AGENTS: Final = Dialect(
    title="OpenAI Agents SDK",
    operations=OperationNames(name_prefixes={"handoff to ": Operation.OTHER}),
)
