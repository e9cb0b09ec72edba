"""smolagents as OpenInference's instrumentation reports them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from capturing import main, start_tracing
from conversations import BALANCE, LOAN, MODEL, get_balance


def _agent(tools: list[Any], **options: Any) -> Any:
    from smolagents import OpenAIServerModel, ToolCallingAgent

    model = OpenAIServerModel(model_id=MODEL, api_base=os.environ["OPENAI_BASE_URL"], api_key="none")
    return ToolCallingAgent(tools=tools, model=model, max_steps=3, verbosity_level=0, **options)


def with_tool() -> None:
    """An agent with a tool."""
    from smolagents import tool

    _agent([tool(get_balance)]).run(BALANCE)


def with_subagent() -> None:
    """An agent that manages another one."""
    valuer = _agent([], name="ask_valuer", description="Ask the valuer.")
    _agent([], managed_agents=[valuer]).run(LOAN)


def _run(scenario: Callable[[], None]) -> None:
    from openinference.instrumentation.smolagents import SmolagentsInstrumentor

    SmolagentsInstrumentor().instrument(tracer_provider=start_tracing())
    scenario()


if __name__ == "__main__":
    every = {"tool": with_tool, "subagent": with_subagent}
    main("openinference_smolagents", {name: partial(_run, scenario) for name, scenario in every.items()})
