"""Strands agents as they report themselves, in their older and their newest conventions."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from capturing import main, start_tracing
from conversations import BALANCE, LOAN, MODEL, WORTH, get_balance


def _agent(tools: list[Any], name: str = "clerk", model: str = MODEL) -> Any:
    from strands import Agent
    from strands.models.openai import OpenAIModel

    client = {"api_key": "none", "base_url": os.environ["OPENAI_BASE_URL"], "max_retries": 0}
    return Agent(
        name=name,
        model=OpenAIModel(client_args=client, model_id=model),
        tools=tools,
        system_prompt="You are a clerk at a bank.",
        callback_handler=None,
        trace_attributes={"session.id": "s-9", "user.id": "u-204"},
    )


def with_tool() -> None:
    """An agent with a tool."""
    from strands import tool

    _agent([tool(get_balance)])(BALANCE)


def with_history() -> None:
    """The second turn of a talk."""
    from strands import tool

    agent = _agent([tool(get_balance)])
    agent("Hello, I am Ann.")
    agent(BALANCE)


def with_subagent() -> None:
    """A tool of the agent asks another agent."""
    from strands import tool

    @tool
    def ask_valuer(question: str) -> str:
        """Ask the valuer."""
        return str(_agent([], "valuer")(question or WORTH))

    _agent([ask_valuer])(LOAN)


def failed() -> None:
    """The model call fails."""
    try:
        _agent([], model="broken")(BALANCE)
    # What the library makes of the client's error differs from version to version; that it failed is in the spans.
    except Exception:  # noqa: BLE001
        return
    raise AssertionError("the model server answered")


def _run(scenario: Callable[[], None], stability: str = "") -> None:
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = stability
    start_tracing()
    scenario()


if __name__ == "__main__":
    every = {"tool": with_tool, "history": with_history, "subagent": with_subagent, "failed": failed}
    newest = "gen_ai_latest_experimental"
    main(
        "strands",
        {
            **{name: partial(_run, scenario) for name, scenario in every.items()},
            **{f"newest_{name}": partial(_run, scenario, newest) for name, scenario in every.items()},
        },
    )
