"""The OpenAI Agents SDK as OpenInference's instrumentation reports it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from capturing import main, start_tracing
from conversations import BALANCE, LOAN, MODEL, get_balance


def _agent(name: str = "clerk", **options: Any) -> Any:
    from agents import Agent

    return Agent(**{"name": name, "instructions": "You work at a bank.", "model": MODEL, **options})


def _ask(agent: Any, question: Any) -> Any:
    from agents import Runner

    return Runner.run_sync(agent, question)


def _balance_tool() -> Any:
    from agents import function_tool

    return function_tool(get_balance)


def with_tool() -> None:
    """An agent with a tool."""
    _ask(_agent(tools=[_balance_tool()]), BALANCE)


def with_handoff() -> None:
    """The first agent hands the question on to another."""
    clerk = _agent(tools=[_balance_tool()])
    _ask(_agent("desk", handoffs=[clerk]), BALANCE)


def with_subagent() -> None:
    """Another agent is a tool of the first."""
    valuer = _agent("valuer").as_tool(tool_name="ask_valuer", tool_description="Ask the valuer.")
    _ask(_agent(tools=[valuer]), LOAN)


def with_guardrail() -> None:
    """A guardrail asks a model of its own."""
    from agents import GuardrailFunctionOutput, Runner, input_guardrail

    judge = _agent("judge", instructions="Give a title.")

    @input_guardrail
    async def is_safe(context: Any, agent: Any, asked: Any) -> Any:
        del agent
        said = await Runner.run(judge, str(asked), context=context.context)
        return GuardrailFunctionOutput(output_info=said.final_output, tripwire_triggered=False)

    _ask(_agent(tools=[_balance_tool()], input_guardrails=[is_safe]), BALANCE)


def with_history() -> None:
    """The second turn of a talk, in the same trace."""
    from agents import trace

    agent = _agent(tools=[_balance_tool()])
    with trace("talk", group_id="thread-7"):
        first = _ask(agent, "Hello, I am Ann.")
        _ask(agent, [*first.to_input_list(), {"role": "user", "content": BALANCE}])


def failed() -> None:
    """The model call fails."""
    from openai import OpenAIError

    try:
        _ask(_agent(model="broken"), BALANCE)
    except OpenAIError:
        return
    raise AssertionError("the model server answered")


def _run(scenario: Callable[[], None]) -> None:
    from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor

    OpenAIAgentsInstrumentor().instrument(tracer_provider=start_tracing())
    scenario()


if __name__ == "__main__":
    every = {
        "tool": with_tool,
        "handoff": with_handoff,
        "subagent": with_subagent,
        "guardrail": with_guardrail,
        "history": with_history,
        "failed": failed,
    }
    main("openai_agents", {name: partial(_run, scenario) for name, scenario in every.items()})
