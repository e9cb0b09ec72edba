"""LangChain and LangGraph as LangSmith reports them over OpenTelemetry."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import langchain_scenarios
from capturing import main, start_tracing


def _run(scenario: Callable[[], None]) -> None:
    os.environ |= {
        "LANGSMITH_OTEL_ENABLED": "true",
        "LANGSMITH_OTEL_ONLY": "true",
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_API_KEY": "none",
        "LANGSMITH_ENDPOINT": os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
    }
    start_tracing()
    scenario()
    from langchain_core.tracers.langchain import wait_for_all_tracers

    wait_for_all_tracers()


if __name__ == "__main__":
    scenarios = {name: partial(_run, scenario) for name, scenario in langchain_scenarios.EVERY.items()}
    main("langsmith", scenarios)
