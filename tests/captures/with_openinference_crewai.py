"""CrewAI as OpenInference's instrumentation reports it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from capturing import main, start_tracing
from conversations import BALANCE, LOAN, MODEL, get_balance


def _crew(question: str, tools: list[Any]) -> Any:
    from crewai import LLM, Agent, Crew, Task

    llm = LLM(model=f"openai/{MODEL}", base_url=os.environ["OPENAI_BASE_URL"], api_key="none")
    clerk = Agent(
        role="clerk", goal="Answer customers.", backstory="A clerk at a bank.", llm=llm, tools=tools
    )
    task = Task(description=question, expected_output="A sentence.", agent=clerk)
    return Crew(agents=[clerk], tasks=[task])


def with_tool() -> None:
    """An agent with a tool."""
    from crewai.tools import tool

    _crew(BALANCE, [tool("get_balance")(get_balance)]).kickoff()


def with_inputs() -> None:
    """A task whose description has a place for what is asked."""
    _crew("{question}", []).kickoff(inputs={"question": LOAN})


def _run(scenario: Callable[[], None]) -> None:
    os.environ["CREWAI_DISABLE_TELEMETRY"] = "true"
    os.environ["CREWAI_TRACING_ENABLED"] = "false"
    from openinference.instrumentation.crewai import CrewAIInstrumentor

    CrewAIInstrumentor().instrument(tracer_provider=start_tracing())
    scenario()


if __name__ == "__main__":
    every = {"tool": with_tool, "inputs": with_inputs}
    main("openinference_crewai", {name: partial(_run, scenario) for name, scenario in every.items()})
