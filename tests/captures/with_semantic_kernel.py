"""Semantic Kernel as it reports itself."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from capturing import main, start_logging, start_tracing
from conversations import BALANCE, LOAN, MODEL, get_balance

_CLERK = "You are a clerk at a bank."


def _agent(plugins: list[Any], name: str = "clerk") -> Any:
    from semantic_kernel.agents import ChatCompletionAgent
    from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion

    return ChatCompletionAgent(
        service=OpenAIChatCompletion(ai_model_id=MODEL),
        name=name,
        description=name,
        instructions=_CLERK,
        plugins=plugins,
    )


def _balances() -> Any:
    from semantic_kernel.functions import kernel_function
    from semantic_kernel.functions.kernel_plugin import KernelPlugin

    return KernelPlugin(name="bank", functions=[kernel_function(name="get_balance")(get_balance)])


def with_tool() -> None:
    """An agent with a tool."""
    asyncio.run(_agent([_balances()]).get_response(messages=BALANCE))


def with_history() -> None:
    """The second turn of a thread."""

    async def ask() -> None:
        agent = _agent([_balances()])
        said = await agent.get_response(messages="Hello, I am Ann.")
        await agent.get_response(messages=BALANCE, thread=said.thread)

    asyncio.run(ask())


def with_subagent() -> None:
    """Another agent is a tool of the first."""
    asyncio.run(_agent([_agent([], "ask_valuer")]).get_response(messages=LOAN))


def _run(scenario: Callable[[], None], *, content: bool = True, logs: bool = True) -> None:
    """Run one; what a model is told and says stands in log records alone, which not everybody exports."""
    setting = "SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS"
    os.environ[f"{setting}_SENSITIVE" if content else setting] = "true"
    start_tracing()
    if logs:
        _send_logs()
    scenario()


def _send_logs() -> None:
    from opentelemetry.sdk._logs import LoggingHandler

    logger = logging.getLogger("semantic_kernel.utils.telemetry")
    logger.addHandler(LoggingHandler(logger_provider=start_logging()))
    logger.setLevel(logging.INFO)


if __name__ == "__main__":
    every = {"tool": with_tool, "history": with_history, "subagent": with_subagent}
    scenarios = {name: partial(_run, scenario) for name, scenario in every.items()}
    scenarios["span_tool"] = partial(_run, with_tool, logs=False)
    scenarios["content_off"] = partial(_run, with_tool, content=False)
    main("semantic_kernel", scenarios)
