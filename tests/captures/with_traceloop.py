"""The OpenAI client and a decorated workflow as Traceloop's SDK reports them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import openai_scenarios
from capturing import main
from conversations import BALANCE, LOAN, WORTH, get_balance


def _start() -> None:
    os.environ |= {"TRACELOOP_TELEMETRY": "false", "TRACELOOP_METRICS_ENABLED": "false"}
    from traceloop.sdk import Traceloop

    Traceloop.init(
        app_name="acme-assistant",
        api_endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
        disable_batch=True,
        resource_attributes={"service.name": "acme-assistant"},
    )


def _run(scenario: Callable[[], None], trace_content: str = "true") -> None:
    os.environ["TRACELOOP_TRACE_CONTENT"] = trace_content
    _start()
    scenario()


def with_workflow() -> None:
    """A workflow with a tool, an answer, and a title for the chat at its end."""
    _start()
    from traceloop.sdk import Traceloop
    from traceloop.sdk.decorators import task, tool, workflow

    looked_up = tool(name="get_balance")(get_balance)

    @task(name="generate_title")
    def entitle() -> None:
        openai_scenarios._ask(openai_scenarios.TITLE)

    @workflow(name="clerk")
    def answer(question: str) -> str:
        Traceloop.set_association_properties({"user_id": "u-204", "session_id": "s-9"})
        looked_up("HL-9")
        said: Any = openai_scenarios._ask(question)
        entitle()
        return str(said.choices[0].message.content)

    answer(BALANCE)


def with_subagent() -> None:
    """An agent that asks another one."""
    _start()
    from traceloop.sdk.decorators import agent, workflow

    @agent(name="valuer")
    def value(question: str) -> str:
        return str(openai_scenarios._ask(question).choices[0].message.content)

    @workflow(name="clerk")
    def answer(question: str) -> str:
        value(WORTH)
        return str(openai_scenarios._ask(question).choices[0].message.content)

    answer(LOAN)


if __name__ == "__main__":
    main(
        "traceloop",
        {
            **{name: partial(_run, scenario) for name, scenario in openai_scenarios.EVERY.items()},
            "content_off": partial(_run, openai_scenarios.with_history, "false"),
            "workflow": with_workflow,
            "subagent": with_subagent,
        },
    )
