"""Genkit for Python: flows, model calls, tools and sub-agents, as it traces itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from capturing import main, start_tracing
from conversations import BALANCE, FORGERY, LOAN, MODEL, POEM, WORTH, get_balance

_CLERK = "You are a clerk at a bank."


def _clerks() -> Any:
    from genkit import Genkit
    from genkit_openai import OpenAI

    return Genkit(plugins=[OpenAI()], model=f"openai/{MODEL}")


def _bank(ai: Any) -> list[Any]:
    from pydantic import BaseModel

    class Wanted(BaseModel):
        account: str

    @ai.tool(name="get_balance", description="Look an account's balance up.", input_schema=Wanted)
    async def look_up(wanted: Any) -> str:
        return get_balance(Wanted.model_validate(wanted).account)

    return [look_up]


def with_tool() -> None:
    """A flow whose model call uses a tool."""
    ai = _clerks()
    bank = _bank(ai)

    @ai.flow(name="ask_clerk")
    async def ask(question: str) -> str:
        return str((await ai.generate(system=_CLERK, prompt=question, tools=bank)).text)

    asyncio.run(ask(BALANCE))


def without_flow() -> None:
    """A model call by itself, which nothing of the application's stands around."""
    ai = _clerks()
    asyncio.run(ai.generate(prompt=BALANCE, tools=_bank(ai)))


def with_history() -> None:
    """The second turn of a talk."""
    ai = _clerks()

    async def ask() -> None:
        said = await ai.generate(system=_CLERK, prompt="Hello, I am Ann.")
        await ai.generate(messages=said.messages, prompt=BALANCE)

    asyncio.run(ask())


def with_subagent() -> None:
    """A tool of the first model call asks a model itself."""
    from pydantic import BaseModel

    class Asked(BaseModel):
        question: str

    ai = _clerks()

    @ai.tool(name="ask_valuer", description="Ask the valuer.", input_schema=Asked)
    async def ask_valuer(asked: Any) -> str:
        question = Asked.model_validate(asked).question
        return str((await ai.generate(system="You value flats.", prompt=question or WORTH)).text)

    @ai.flow(name="ask_clerk")
    async def ask(question: str) -> str:
        return str((await ai.generate(system=_CLERK, prompt=question, tools=[ask_valuer])).text)

    asyncio.run(ask(LOAN))


def cut() -> None:
    """An answer that ends at the limit of tokens."""
    asyncio.run(_clerks().generate(prompt=POEM))


def refused() -> None:
    """The model refuses."""
    asyncio.run(_clerks().generate(prompt=FORGERY))


def failed() -> None:
    """The model call fails, which is told and not raised."""
    said = asyncio.run(_clerks().generate(model="openai/broken", prompt=BALANCE))
    assert said.finish_reason == "failed"


def _run(scenario: Callable[[], None]) -> None:
    start_tracing()
    scenario()


if __name__ == "__main__":
    every = {
        "tool": with_tool,
        "model_tool": without_flow,
        "history": with_history,
        "subagent": with_subagent,
        "cut": cut,
        "refused": refused,
        "failed": failed,
    }
    main("genkit", {name: partial(_run, scenario) for name, scenario in every.items()})
