"""LiveKit Agents: what it says of tools in words of its own, which its newer versions say in those of GenAI as well."""

from __future__ import annotations

from typing import Final

from evidence.semconv.dialects.contract import Dialect, Meaning, Operation, OperationNames, VersionAttributes

_NAME: Final = "lk.function_tool.name"

LIVEKIT: Final = Dialect(
    title="LiveKit Agents",
    operations=OperationNames(present={_NAME: Operation.TOOL}),
    attributes={
        Meaning.TOOL_ARGUMENTS: ("lk.function_tool.arguments",),
        Meaning.TOOL_RESULT: ("lk.function_tool.output",),
        Meaning.TOOL_CALL_ID: ("lk.function_tool.id",),
    },
    versions={"tool": VersionAttributes(name=(_NAME,))},
)
