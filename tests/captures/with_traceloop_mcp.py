"""A tool of an MCP server and the OpenAI client as OpenLLMetry's instrumentations report them, in both processes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from capturing import main, start_tracing
from conversations import BALANCE, MODEL, get_balance

_SERVE = "--serve"


def _instrument() -> Any:
    from opentelemetry.instrumentation.mcp import McpInstrumentor

    provider = start_tracing()
    McpInstrumentor().instrument(tracer_provider=provider)
    return provider


def serve() -> None:
    """Serve one tool over standard input and output."""
    provider = _instrument()
    from mcp.server.fastmcp import FastMCP

    server = FastMCP("bank")
    server.tool()(get_balance)
    server.run("stdio")
    provider.force_flush()


async def _ask(tracer: Any) -> None:
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
    from openai import OpenAI

    client = OpenAI()
    command = StdioServerParameters(command=sys.executable, args=[__file__, _SERVE], env=dict(os.environ))
    async with stdio_client(command) as streams, ClientSession(*streams) as session:
        await session.initialize()
        with tracer.start_as_current_span("ask"):
            offered = await session.list_tools()
            tools = [
                {"type": "function", "function": {"name": one.name, "parameters": one.inputSchema}}
                for one in offered.tools
            ]
            said: list[Any] = [{"role": "user", "content": BALANCE}]
            answer = (
                client.chat.completions.create(model=MODEL, messages=said, tools=tools).choices[0].message
            )
            call = answer.tool_calls[0]
            found = await session.call_tool(call.function.name, json.loads(call.function.arguments))
            result = {"role": "tool", "tool_call_id": call.id, "content": found.content[0].text}
            client.chat.completions.create(model=MODEL, messages=[*said, answer, result], tools=tools)


def with_tool() -> None:
    """A model calls a tool that a server of its own offers."""
    from opentelemetry import trace
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=_instrument())
    asyncio.run(_ask(trace.get_tracer("acme")))


if __name__ == "__main__":
    if sys.argv[1] == _SERVE:
        serve()
    else:
        main("traceloop_mcp", {"tool": with_tool})
