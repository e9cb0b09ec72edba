"""pydantic-ai in each format it offers, alone and under Logfire."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from capturing import main, start_tracing
from conversations import BALANCE, FORGERY, LOAN, MODEL, TITLE, WORTH, get_balance


def _agent(**options: Any) -> Any:
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel

    model = OpenAIChatModel(options.pop("model", MODEL))
    return Agent(model, name=options.pop("name", "clerk"), **options)


def with_tool() -> None:
    """An agent with a tool."""
    _agent(tools=[get_balance]).run_sync(BALANCE)


def with_history() -> None:
    """The second turn of a talk."""
    agent = _agent(instructions="You are a clerk at a bank.")
    first = agent.run_sync("Hello, I am Ann.")
    agent.run_sync(BALANCE, message_history=first.all_messages())


def with_structure() -> None:
    """An answer that is an object, given by calling a tool."""
    from pydantic import BaseModel

    class Balance(BaseModel):
        text: str

    _agent(tools=[get_balance], output_type=Balance).run_sync(BALANCE)


def with_subagent() -> None:
    """A tool of the agent asks another agent."""
    valuer = _agent(name="valuer")

    async def ask_valuer(question: str) -> str:
        """Ask the valuer."""
        return str((await valuer.run(question or WORTH)).output)

    _agent(tools=[ask_valuer]).run_sync(LOAN)


def with_title() -> None:
    """An answer, and a title for the chat afterwards, under one span of the application's."""
    from opentelemetry import trace

    with trace.get_tracer("acme").start_as_current_span("handle_request"):
        _agent(tools=[get_balance]).run_sync(BALANCE)
        _agent(name="titler").run_sync(TITLE)


def refused() -> None:
    """The model refuses."""
    from pydantic_ai.exceptions import AgentRunError

    try:
        _agent().run_sync(FORGERY)
    except AgentRunError:
        return
    raise AssertionError("a refusal was taken for an answer")


def failed() -> None:
    """The model call fails."""
    from pydantic_ai.exceptions import ModelHTTPError

    try:
        _agent(model="broken").run_sync(BALANCE)
    except ModelHTTPError:
        return
    raise AssertionError("the model server answered")


def _run(scenario: Callable[[], None], **options: Any) -> None:
    from pydantic_ai import Agent
    from pydantic_ai.models.instrumented import InstrumentationSettings

    Agent.instrument_all(InstrumentationSettings(tracer_provider=start_tracing(), **options))
    scenario()


def _run_with_logfire(scenario: Callable[[], None]) -> None:
    os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = (
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces"
    )
    import logfire

    logfire.configure(send_to_logfire=False, console=False, service_name="acme-assistant")
    logfire.instrument_pydantic_ai()
    logfire.instrument_openai()
    scenario()


def with_logfire_client() -> None:
    """The bare OpenAI client under Logfire."""
    import openai_scenarios

    openai_scenarios.with_tool()


if __name__ == "__main__":
    every = {
        "tool": with_tool,
        "history": with_history,
        "structure": with_structure,
        "subagent": with_subagent,
        "title": with_title,
        "refused": refused,
        "failed": failed,
    }
    formats = {f"v{number}_tool": partial(_run, with_tool, version=number) for number in (2, 3, 4, 5, 6)}
    main(
        "pydantic_ai",
        {
            **{name: partial(_run, scenario) for name, scenario in every.items()},
            **formats,
            "content_off": partial(_run, with_tool, include_content=False),
            "logfire_tool": partial(_run_with_logfire, with_tool),
            "logfire_client": partial(_run_with_logfire, with_logfire_client),
        },
    )
