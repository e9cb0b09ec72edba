"""LiveKit Agents, asked in writing: a session's turns, tools and handing over, as it traces itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from capturing import main, start_tracing
from conversations import BALANCE, MODEL, POEM, get_balance

_CLERK = "You are a clerk at a bank."


def _clerk(*, told: Any = None) -> Any:
    """Return the clerk; one that was told of a talk before speaks first."""
    from livekit.agents import Agent, function_tool

    class Clerk(Agent):
        async def on_enter(self) -> None:
            if told:
                await self.session.generate_reply()

    @function_tool(name="get_balance", description="Look an account's balance up.")
    async def look_up(account: str) -> str:
        return get_balance(account)

    return Clerk(instructions=_CLERK, tools=[look_up], chat_ctx=told)


def _talk(*said: str, agent: Callable[[], Any] = _clerk, model: str = MODEL) -> None:
    """Say this, one turn after the other, and wait for each answer."""
    from livekit.agents import AgentSession
    from livekit.plugins import openai

    async def talk() -> None:
        async with openai.LLM(model=model) as llm, AgentSession(llm=llm) as session:
            await session.start(agent())
            for one in said:
                await session.run(user_input=one)

    asyncio.run(talk())


def with_tool() -> None:
    """An agent with a tool."""
    _talk(BALANCE)


def with_history() -> None:
    """Two turns of a session."""
    _talk("Hello, I am Ann.", BALANCE)


def with_handoff() -> None:
    """An agent that hands the talk over to another."""

    def receptionist() -> Any:
        from livekit.agents import Agent, function_tool

        @function_tool(name="transfer_to_clerk", description="Hand over to the clerk.")
        async def hand_over() -> Any:
            return _clerk(told=agent.chat_ctx.copy(exclude_instructions=True))

        agent = Agent(instructions="You receive people at a bank.", tools=[hand_over])
        return agent

    _talk(BALANCE, agent=receptionist)


def cut() -> None:
    """An answer that ends at the limit of tokens."""
    _talk(POEM)


def run(scenario: Callable[[], None], **options: Any) -> None:
    from livekit.agents import telemetry

    telemetry.set_tracer_provider(start_tracing(), **options)
    scenario()


if __name__ == "__main__":
    every = {"tool": with_tool, "history": with_history, "handoff": with_handoff, "cut": cut}
    scenarios = {name: partial(run, scenario) for name, scenario in every.items()}
    scenarios["content_off"] = partial(run, with_tool, allow_pii=False)
    main("livekit", scenarios)
