"""pydantic-ai's first format, which its second version gave up: messages in log records or in one attribute."""

from __future__ import annotations

from functools import partial

from capturing import main, start_logging, start_tracing
from with_pydantic_ai import with_history, with_subagent, with_tool


def _run(scenario, **options) -> None:
    from pydantic_ai import Agent
    from pydantic_ai.models.instrumented import InstrumentationSettings

    provider, logs = start_tracing(), start_logging()
    Agent.instrument_all(
        InstrumentationSettings(tracer_provider=provider, logger_provider=logs, version=1, **options)
    )
    scenario()


if __name__ == "__main__":
    main(
        "pydantic_ai_1",
        {
            "tool": partial(_run, with_tool, event_mode="attributes"),
            "logs_tool": partial(_run, with_tool, event_mode="logs"),
            "history": partial(_run, with_history, event_mode="attributes"),
            "subagent": partial(_run, with_subagent, event_mode="attributes"),
        },
    )
