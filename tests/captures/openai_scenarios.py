"""Scenarios of the bare OpenAI client, for the libraries that only watch it."""

from __future__ import annotations

import json
from typing import Any

from conversations import BALANCE, FORGERY, HISTORY, LIMIT, MODEL, POEM, TITLE, TOOLS, get_balance


def _client() -> Any:
    from openai import OpenAI

    return OpenAI(max_retries=0)


def _ask(question: str, **options: Any) -> Any:
    messages = [{"role": "user", "content": question}]
    return _client().chat.completions.create(**{"model": MODEL, "messages": messages, **options})


def with_history() -> None:
    """The second turn of a talk, streamed."""
    for _ in _client().chat.completions.create(
        model=MODEL, messages=HISTORY, stream=True, stream_options={"include_usage": True}
    ):
        pass


def with_tool() -> None:
    """Two model calls with a tool in between, under a span of the application's own."""
    from opentelemetry import trace

    messages: list[dict[str, Any]] = [{"role": "user", "content": BALANCE}]
    with trace.get_tracer("acme").start_as_current_span("handle_request"):
        for _ in range(2):
            answer = _client().chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
            message = answer.choices[0].message
            messages.append(message.model_dump(exclude_none=True))
            for call in message.tool_calls or []:
                result = get_balance(**json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def with_title() -> None:
    """An answer, and a title for the chat afterwards."""
    from opentelemetry import trace

    with trace.get_tracer("acme").start_as_current_span("handle_request"):
        _ask(BALANCE)
        with trace.get_tracer("acme").start_as_current_span("generate_title"):
            _ask(TITLE)


def two_choices() -> None:
    """Two choices of one call."""
    _ask(LIMIT, n=2)


def refused() -> None:
    """The model refuses."""
    _ask(FORGERY)


def cut() -> None:
    """The answer ends at the token limit."""
    _ask(POEM, max_tokens=2)


def failed() -> None:
    """The model call fails."""
    from openai import OpenAIError

    try:
        _ask(BALANCE, model="broken")
    except OpenAIError:
        return
    raise AssertionError("the model server answered")


def responses() -> None:
    """The Responses API, with a tool."""
    client = _client()
    tools = [{"type": "function", **TOOLS[0]["function"]}]
    given: list[Any] = [{"role": "user", "content": BALANCE}]
    from opentelemetry import trace

    with trace.get_tracer("acme").start_as_current_span("handle_request"):
        first = client.responses.create(model=MODEL, input=given, tools=tools)
        call = first.output[0]
        result = get_balance(**json.loads(call.arguments))
        given += [
            call.model_dump(),
            {"type": "function_call_output", "call_id": call.call_id, "output": result},
        ]
        client.responses.create(model=MODEL, input=given, tools=tools)


def embedded() -> None:
    """An embedding, and no answer."""
    _client().embeddings.create(model="text-embedding-3-small", input=[BALANCE])


CHAT = {
    "history": with_history,
    "tool": with_tool,
    "title": with_title,
    "choices": two_choices,
    "refused": refused,
    "cut": cut,
    "failed": failed,
}
EVERY = {**CHAT, "responses": responses, "embedding": embedded}
