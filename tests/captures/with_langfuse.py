"""Langfuse's SDK: its OpenAI client and its decorator."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from capturing import main
from conversations import BALANCE, DOCUMENTS, FOREIGN, HISTORY, LIMIT, MODEL, TITLE, get_balance


def _run(scenario: Callable[[], None]) -> None:
    os.environ |= {
        "LANGFUSE_PUBLIC_KEY": "none",
        "LANGFUSE_SECRET_KEY": "none",
        "LANGFUSE_HOST": os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
    }
    from langfuse import get_client

    scenario()
    get_client().flush()


def _ask(question: str, **options: Any) -> Any:
    from langfuse.openai import OpenAI

    messages = [{"role": "user", "content": question}]
    return OpenAI(max_retries=0).chat.completions.create(**{"model": MODEL, "messages": messages, **options})


def with_history() -> None:
    """The second turn of a talk."""
    _ask(BALANCE, messages=HISTORY)


def two_choices() -> None:
    """Two choices of one call."""
    _ask(LIMIT, n=2)


def with_workflow() -> None:
    """A decorated function with a tool, and a title at its end."""
    from langfuse import get_client, observe

    looked_up = observe(name="get_balance", as_type="tool")(get_balance)

    @observe(name="clerk", as_type="agent")
    def answer(question: str) -> str:
        get_client().update_current_trace(user_id="u-204", session_id="s-9")
        looked_up("HL-9")
        said = str(_ask(question).choices[0].message.content)
        _ask(TITLE)
        return said

    answer(BALANCE)


def with_retrieval() -> None:
    """A retriever's documents."""
    from langfuse import observe

    @observe(as_type="retriever")
    def retrieve(query: str) -> list[dict[str, Any]]:
        del query
        return [{"id": key, "text": text, "score": 0.9} for key, text in DOCUMENTS.items()]

    @observe(name="clerk")
    def answer(question: str) -> str:
        retrieve(question)
        return str(_ask(question).choices[0].message.content)

    answer(FOREIGN)


def failed() -> None:
    """The model call fails."""
    from openai import OpenAIError

    try:
        _ask(BALANCE, model="broken")
    except OpenAIError:
        return
    raise AssertionError("the model server answered")


if __name__ == "__main__":
    every = {
        "history": with_history,
        "choices": two_choices,
        "workflow": with_workflow,
        "retrieval": with_retrieval,
        "failed": failed,
    }
    main("langfuse", {name: partial(_run, scenario) for name, scenario in every.items()})
