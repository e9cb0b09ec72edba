"""Google's Agent Development Kit as it reports itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from capturing import main, start_logging, start_tracing
from conversations import BALANCE, LOAN, MODEL, get_balance


def _agent(name: str = "clerk", tools: list[Any] | None = None) -> Any:
    from google.adk.agents import LlmAgent
    from google.adk.models.lite_llm import LiteLlm

    return LlmAgent(name=name, model=LiteLlm(f"openai/{MODEL}"), tools=tools or [], description=name)


def _ask(agent: Any, *questions: str) -> None:
    from google.adk.runners import InMemoryRunner
    from google.genai import types

    async def ask() -> None:
        runner = InMemoryRunner(agent, app_name="clerk")
        await runner.session_service.create_session(app_name="clerk", user_id="u-204", session_id="s-9")
        for question in questions:
            told = types.Content(role="user", parts=[types.Part(text=question)])
            async for _ in runner.run_async(user_id="u-204", session_id="s-9", new_message=told):
                pass

    asyncio.run(ask())


def with_tool() -> None:
    """An agent with a tool."""
    _ask(_agent(tools=[get_balance]), BALANCE)


def with_history() -> None:
    """The second turn of a session."""
    _ask(_agent(tools=[get_balance]), "Hello, I am Ann.", BALANCE)


def with_subagent() -> None:
    """Another agent is a tool of the first."""
    from google.adk.tools.agent_tool import AgentTool

    _ask(_agent(tools=[AgentTool(_agent("ask_valuer"))]), LOAN)


def run(scenario: Callable[[], None], settings: dict[str, str]) -> None:
    """Run a scenario with what the environment says of content."""
    os.environ.update(settings)
    start_tracing()
    start_logging()
    scenario()


if __name__ == "__main__":
    every = {"tool": with_tool, "history": with_history, "subagent": with_subagent}
    newest = {"OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental"}
    content = {**newest, "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}
    scenarios = {name: partial(run, scenario, content) for name, scenario in every.items()}
    main("google_adk", {**scenarios, "content_off": partial(run, with_tool, newest)})
