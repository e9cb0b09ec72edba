"""Spans of what people, models, agents and tools said, in a few words each: for tests of how a trace is read."""

from __future__ import annotations

import json
from typing import Any

from evidence.semconv.draft import TraceDraft
from tests.evidence.semconv_spans import ROOT_ID, make_span

Spans = list[dict[str, Any]]


ASKED = "What does a second card cost?"


GAVE = "A second card costs 12 EUR a year."


ABROAD, FEE_ABROAD = "And abroad?", "Abroad it is 2 percent."


DRAFT = "It costs 12."


CONTEXT = "The customer has a notice account and lives in Graz."


WITH_NAME = "Mr Aldous (IBAN AT611904300234573201) pays 12 EUR a year."


WITHOUT_NAME = "Mr A. (IBAN removed) pays 12 EUR a year."


GERMAN, GERMAN_ANSWER = "Was kostet eine zweite Karte?", "Eine zweite Karte kostet 12 EUR im Jahr."


TARIFF = "A second card is charged at 12 EUR per calendar year, due in January."


def text(role: str, words: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": words}], **more}


def user(words: str, **more: Any) -> dict[str, Any]:
    return text("user", words, **more)


def model(words: str, **more: Any) -> dict[str, Any]:
    return text("assistant", words, **more)


def calling(tool: str, arguments: dict[str, Any], call_id: str = "call_0") -> dict[str, Any]:
    part = {"type": "tool_call", "id": call_id, "name": tool, "arguments": arguments}
    return {"role": "assistant", "parts": [part]}


def responding(value: str, call_id: str = "call_0") -> dict[str, Any]:
    return {"role": "tool", "parts": [{"type": "tool_call_response", "id": call_id, "response": value}]}


def server() -> dict[str, Any]:
    return make_span(ROOT_ID, parent="", name="POST /chat", start=1, end_ns=1000)


def spoke(number: int, operation: str, said: Spans, gave: Any, told: str = "", **more: Any) -> dict[str, Any]:
    """A span of the current conventions, number `number` in time below the root unless it says otherwise."""
    given = (
        {"gen_ai.output.messages": json.dumps(gave if isinstance(gave, list) else [model(gave)])}
        if gave
        else {}
    )
    asked = {"gen_ai.input.messages": json.dumps(said)} if said else {}
    instructed = (
        {"gen_ai.system_instructions": json.dumps([{"type": "text", "content": told}])} if told else {}
    )
    attributes = {
        "gen_ai.operation.name": operation,
        **asked,
        **given,
        **instructed,
        **more.pop("attributes", {}),
    }
    columns = {"name": operation, "start": number * 10, **more}
    return make_span(f"{number:016x}", attributes=attributes, **columns)


def call(number: int, said: Spans, gave: Any, told: str = "", **more: Any) -> dict[str, Any]:
    return spoke(number, "chat", said, gave, told, **more)


def agent(number: int, said: Spans, gave: Any, told: str = "", **more: Any) -> dict[str, Any]:
    return spoke(number, "invoke_agent", said, gave, told, **more)


def frame(asked: Any, gave: Any, **more: Any) -> dict[str, Any]:
    """A root that tells what it was asked and gave in one value each."""
    values = {"input.value": asked, "output.value": gave}
    said = {
        key: one if isinstance(one, str) else json.dumps(one)
        for key, one in values.items()
        if one is not None
    }
    attributes = {"openinference.span.kind": "CHAIN", **said}
    return make_span(ROOT_ID, parent="", name="run", start=1, attributes=attributes, **more)


def tool(number: int, result: str) -> dict[str, Any]:
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "fee",
        "gen_ai.tool.call.result": result,
    }
    return make_span(f"{number:016x}", name="execute_tool fee", start=number * 10, attributes=attributes)


def search(number: int) -> dict[str, Any]:
    attributes = {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.retrieval.query.text": ASKED,
        "gen_ai.retrieval.documents": json.dumps([{"id": "T-26", "content": TARIFF}]),
    }
    return make_span(f"{number:016x}", name="retrieval", start=number * 10, attributes=attributes)


def observation(words: str) -> Spans:
    """What a loop without a library's support for tools puts to the model: the tool's words as a user's."""
    return [
        call(1, [user(ASKED)], "Code: fee(2)"),
        call(2, [user(ASKED), model("Code: fee(2)"), user(words)], GAVE),
    ]


def observation_told(words: str) -> Spans:
    """The same where the model said nothing before it called."""
    first = call(1, [user(ASKED)], [calling("fee", {"n": 2})])
    return [server(), first, call(2, [user(ASKED), calling("fee", {"n": 2}), user(words)], GAVE)]


def with_parts(*texts: str) -> dict[str, Any]:
    """One message of a user with several texts."""
    return {"role": "user", "parts": [{"type": "text", "content": words} for words in texts]}


def langfuse(kind: str, number: int, attributes: dict[str, str]) -> dict[str, Any]:
    """A Langfuse observation: the root, or the one of this number in time below it."""
    columns = {"start": number * 10} if number else {"parent": "", "start": 1, "end_ns": 1000}
    span_id = f"{number:016x}" if number else ROOT_ID
    return make_span(span_id, attributes={"langfuse.observation.type": kind, **attributes}, **columns)


def user_said(words: str) -> dict[str, Any]:
    return {"role": "user", "content": words}


def observed(said: Spans, gave: str) -> dict[str, str]:
    return {"langfuse.observation.input": json.dumps(said), "langfuse.observation.output": gave}


def conversation(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"messages": list(messages)}


NAMED = {"type": "human", "name": "researcher", "content": "The tariff says 12."}


TWO_CHOICES = {
    "choices": [
        {"index": n, "finish_reason": "stop", "message": {"role": "assistant", "content": words}}
        for n, words in enumerate([GAVE, "Twelve euros."])
    ]
}


CITED = [{"text": "By the tariff: "}, {"citationsContent": {"content": [{"text": GAVE}], "citations": []}}]


GUARDED = {"role": "user", "content": [{"guardContent": {"text": {"text": ASKED, "qualifiers": ["query"]}}}]}


CHUNKS = [{"type": "text", "text": words} for words in ("A second card", " costs 12 EUR a year", ".")]


SPOKEN = [
    {"type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": ASKED}]},
    {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": GAVE}]},
]


OF_A_THREAD = {"role": "assistant", "content": {"text": {"value": GAVE, "annotations": []}}}


CUT_PARTS = '[{"type": "text", "text": "What does a second ca'


def written_out(prompt: str) -> Spans:
    """A call of which a library wrote the conversation out, each turn behind its role."""
    told = {"llm.prompts.0.prompt.text": prompt, "llm.choices.0.completion.text": GAVE}
    return [make_span(ROOT_ID, parent="", start=1, attributes={"openinference.span.kind": "LLM", **told})]


def of_the_application(**attributes: Any) -> dict[str, Any]:
    """A server's span with attributes that a library of the same names would fill with what was said."""
    return make_span(ROOT_ID, parent="", name="POST /chat", start=1, end_ns=1000, attributes=attributes)


def codes(draft: TraceDraft) -> set[str]:
    return {flag.code for flag in draft.flags}
