"""The Model Context Protocol: OpenTelemetry's conventions for it, and OpenLLMetry's spans of its messages.

A tool's call is told by both as a tool; what else client and server say to each other asks and answers nothing.
"""

from __future__ import annotations

from typing import Final

from evidence.semconv.dialects.contract import Dialect, Operation, OperationNames

# As OpenLLMetry names the spans of these messages; that of a tool's call is named after the tool.
_SPANS: Final = tuple(
    f"{method}.mcp"
    for method in (
        "initialize", "ping", "completion/complete", "logging/setLevel", "prompts/get", "prompts/list",
        "resources/list", "resources/read", "resources/subscribe", "resources/templates/list", "tools/list",
    )
)  # fmt: skip

MCP: Final = Dialect(
    title="Model Context Protocol",
    operations=OperationNames(
        attribute="mcp.method.name",
        values={"tools/call": Operation.TOOL},
        closed=True,
        present=dict.fromkeys(("mcp.request.id", "mcp.response.value"), Operation.OTHER),
        name_prefixes=dict.fromkeys(_SPANS, Operation.OTHER),
    ),
)
