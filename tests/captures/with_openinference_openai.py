"""The OpenAI client as OpenInference's instrumentation reports it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import openai_scenarios
from capturing import main, start_tracing


def _run(scenario: Callable[[], None]) -> None:
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=start_tracing())
    scenario()


def _content_off() -> None:
    from openinference.instrumentation import TraceConfig
    from openinference.instrumentation.openai import OpenAIInstrumentor

    hidden = TraceConfig(hide_inputs=True, hide_outputs=True)
    OpenAIInstrumentor().instrument(tracer_provider=start_tracing(), config=hidden)
    openai_scenarios.with_history()


if __name__ == "__main__":
    scenarios = {name: partial(_run, scenario) for name, scenario in openai_scenarios.EVERY.items()}
    main("openinference_openai", {**scenarios, "content_off": _content_off})
