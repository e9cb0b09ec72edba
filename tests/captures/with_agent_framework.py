"""Microsoft's Agent Framework as it reports itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from capturing import main, start_tracing
from conversations import BALANCE, LOAN, MODEL, get_balance


def _agent(tools: list[Any], name: str = "clerk") -> Any:
    from agent_framework import Agent
    from agent_framework.openai import OpenAIChatCompletionClient

    client = OpenAIChatCompletionClient(model=MODEL)
    return Agent(
        client=client, name=name, description=name, instructions="You are a clerk at a bank.", tools=tools
    )


def with_tool() -> None:
    """An agent with a tool."""
    asyncio.run(_agent([get_balance]).run(BALANCE))


def with_history() -> None:
    """The second turn of a session."""

    async def ask() -> None:
        agent = _agent([get_balance])
        session = agent.create_session()
        await agent.run("Hello, I am Ann.", session=session)
        await agent.run(BALANCE, session=session)

    asyncio.run(ask())


def with_subagent() -> None:
    """Another agent is a tool of the first."""
    valuer = _agent([], "ask_valuer").as_tool(name="ask_valuer")
    asyncio.run(_agent([valuer]).run(LOAN))


def _run(scenario: Callable[[], None], *, content: bool = True) -> None:
    from agent_framework.observability import enable_instrumentation

    start_tracing()
    enable_instrumentation(enable_sensitive_data=content)
    scenario()


if __name__ == "__main__":
    every = {"tool": with_tool, "history": with_history, "subagent": with_subagent}
    scenarios = {name: partial(_run, scenario) for name, scenario in every.items()}
    main("agent_framework", {**scenarios, "content_off": partial(_run, with_tool, content=False)})
