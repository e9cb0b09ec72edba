"""The OpenAI client as OpenTelemetry's own instrumentation reports it, in each of its ways to record content."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import openai_scenarios
from capturing import main, start_logging, start_tracing

_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_NEWEST = {"OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental"}


def _run(scenario: Callable[[], None], settings: dict[str, str]) -> None:
    os.environ.update(settings)
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=start_tracing(), logger_provider=start_logging())
    scenario()


if __name__ == "__main__":
    chats = openai_scenarios.CHAT
    some = {name: chats[name] for name in ("history", "tool", "choices")}
    ways = {
        "old_events": ({_CONTENT: "true"}, chats),
        "old_off": ({}, {"history": chats["history"]}),
        "span": ({**_NEWEST, _CONTENT: "SPAN_ONLY"}, chats),
        "event": ({**_NEWEST, _CONTENT: "EVENT_ONLY"}, some),
        "both": ({**_NEWEST, _CONTENT: "SPAN_AND_EVENT"}, some),
        "off": ({**_NEWEST, _CONTENT: "NO_CONTENT"}, {"history": chats["history"]}),
    }
    main(
        "openai_v2",
        {
            f"{way}_{name}": partial(_run, scenario, settings)
            for way, (settings, scenarios) in ways.items()
            for name, scenario in scenarios.items()
        },
    )
