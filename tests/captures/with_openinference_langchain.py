"""LangChain and LangGraph as OpenInference's instrumentation reports them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import langchain_scenarios
from capturing import main, start_tracing


def _run(scenario: Callable[[], None]) -> None:
    from openinference.instrumentation.langchain import LangChainInstrumentor

    LangChainInstrumentor().instrument(tracer_provider=start_tracing())
    scenario()


if __name__ == "__main__":
    scenarios = {name: partial(_run, scenario) for name, scenario in langchain_scenarios.EVERY.items()}
    main("openinference_langchain", scenarios)
