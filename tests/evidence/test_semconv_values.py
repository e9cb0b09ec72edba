"""The forms in which libraries write down what was said, and what is no form of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evidence.semconv.messages import ASSISTANT, USER, PartKind, read_message
from evidence.semconv.values import is_prose, read_value

ASKED: list[tuple[str, Any]] = [
    ("a text", "Fee?"),
    ("a text as JSON", '"Fee?"'),
    ("one key", {"question": "Fee?"}),
    ("nested keys", {"inputs": {"query": "Fee?"}}),
    ("prompts", {"prompts": ["Fee?"]}),
    (
        "messages",
        {"messages": [{"role": "system", "content": "Clerk."}, {"role": "user", "content": "Fee?"}]},
    ),
    ("pairs", {"messages": [["system", "Clerk."], ["user", "Fee?"]]}),
    ("a batch", {"messages": [[{"type": "human", "content": "Fee?"}]]}),
    (
        "LangChain constructors",
        [{"lc": 1, "type": "constructor", "id": ["x", "HumanMessage"], "kwargs": {"content": "Fee?"}}],
    ),
    ("parts", [{"role": "user", "parts": [{"type": "text", "content": "Fee?"}]}]),
    (
        "blocks",
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Fee?"},
                    {"type": "image_url", "image_url": {"url": "u"}},
                ],
            }
        ],
    ),
    ("blocks without a message", [{"type": "text", "text": "Fee?"}]),
    ("Gemini", {"contents": None, "messages": [{"role": "user", "parts": [{"text": "Fee?"}]}]}),
    (
        "history beside a question",
        {"messages": [["user", "Hello."], ["assistant", "Hi."]], "question": "Fee?"},
    ),
]

ANSWERED: list[tuple[str, Any]] = [
    ("a text", "3 EUR."),
    ("one key", {"answer": "3 EUR.", "context": [{"page_content": "Fees."}]}),
    (
        "choices",
        {
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "3 EUR."}, "finish_reason": "stop"}
            ]
        },
    ),
    ("completions", {"choices": [{"text": "3 EUR."}]}),
    (
        "generations",
        {"generations": [[{"text": "3 EUR.", "message": {"kwargs": {"content": "3 EUR.", "type": "ai"}}}]]},
    ),
    (
        "candidates",
        {
            "candidates": [
                {"content": {"role": "model", "parts": [{"text": "3 EUR."}]}, "finishReason": "STOP"}
            ]
        },
    ),
    (
        "a graph's state",
        {
            "messages": [
                {"type": "human", "data": {"content": "Fee?"}},
                {"type": "ai", "data": {"content": "3 EUR."}},
            ]
        },
    ),
    (
        "a graph's update",
        [{"graph": None, "update": {"messages": [{"type": "ai", "data": {"content": "3 EUR."}}]}}],
    ),
    (
        "Responses",
        {
            "output": [
                {"type": "reasoning", "content": []},
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "3 EUR."}],
                },
            ]
        },
    ),
    (
        "Anthropic",
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "3 EUR."}],
        },
    ),
    ("Bedrock", {"output": {"message": {"role": "assistant", "content": [{"text": "3 EUR."}]}}}),
    ("return values", {"return_values": {"output": "3 EUR."}}),
]


def last_text(value: Any, role: str) -> str:
    messages = read_value(value, role)
    assert messages
    return [message.text for message in messages if message.role == role][-1]


@pytest.mark.parametrize("value", [value for _, value in ASKED], ids=[name for name, _ in ASKED])
def test_a_question_is_read_in_each_form_as_an_object_and_as_its_json(value: Any) -> None:
    assert last_text(value, USER) == "Fee?"
    assert last_text(json.dumps(value), USER) == "Fee?"


@pytest.mark.parametrize("value", [value for _, value in ANSWERED], ids=[name for name, _ in ANSWERED])
def test_an_answer_is_read_in_each_form_as_an_object_and_as_its_json(value: Any) -> None:
    assert last_text(value, ASSISTANT) == "3 EUR."
    assert last_text(json.dumps(value), ASSISTANT) == "3 EUR."


@pytest.mark.parametrize(
    "value",
    [
        [0.12, -0.5, 0.33],
        {"embedding": [0.12, -0.5]},
        {"rows": [{"name": "a"}]},
        {"answer": "3 EUR.", "final_output": "4 EUR."},
        {"messages": [["user", "Fee?"], ["assistant", "3 EUR."]], "answer": "4 EUR."},
        "[HumanMessage(content='Fee?')]",
        "{'answer': '3 EUR.'}",
    ],
    ids=json.dumps,
)
def test_what_is_in_no_known_form_is_never_read_as_words(value: Any) -> None:
    assert read_value(value, ASSISTANT) is None
    assert read_value(value if isinstance(value, str) else json.dumps(value), ASSISTANT) is None


@pytest.mark.parametrize("value", [None, "", "  ", [], {}, "[]", "{}", {"messages": []}])
def test_nothing_is_nothing_and_not_something_unknown(value: Any) -> None:
    assert not read_value(value, ASSISTANT)


@pytest.mark.parametrize(
    "text", ["3 EUR.", "[1] The fee is 3 EUR.", "费用为 3 欧元。", "Use `pip`.", "Say {name}."]
)
def test_words_are_prose(text: str) -> None:
    assert is_prose(text)


@pytest.mark.parametrize("text", ['{"eur": 3}', "[0.1, 0.2]", '[{"eur": 3}]', "```sql\nselect 1\n```", ""])
def test_data_and_code_are_no_prose(text: str) -> None:
    assert not is_prose(text)


@pytest.mark.parametrize(
    "message",
    [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "function": {"name": "rate", "arguments": {"n": 1}}}],
        },
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "c1", "name": "rate", "arguments": {"n": 1}}],
        },
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "c1", "name": "rate", "input": {"n": 1}}],
        },
        {"type": "function_call", "call_id": "c1", "name": "rate", "arguments": {"n": 1}},
        {
            "type": "ai",
            "data": {"content": "", "tool_calls": [{"id": "c1", "name": "rate", "args": {"n": 1}}]},
        },
        {
            "role": "assistant",
            "content": [{"type": "tool-call", "toolCallId": "c1", "toolName": "rate", "input": {"n": 1}}],
        },
        {
            "role": "assistant",
            "content": [{"toolUse": {"toolUseId": "c1", "name": "rate", "input": {"n": 1}}}],
        },
    ],
)
def test_a_call_of_a_tool_is_read_in_each_form(message: dict[str, Any]) -> None:
    read = read_message(message)
    assert read is not None
    (call,) = read.of_kind(PartKind.TOOL_CALL)
    assert (read.role, read.text) == (ASSISTANT, "")
    assert (call.call_id, call.name, call.value) == ("c1", "rate", {"n": 1})


@pytest.mark.parametrize(
    "message",
    [
        {"role": "tool", "tool_call_id": "c1", "content": "77 EUR"},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "77 EUR"}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "77 EUR"}]},
        {"type": "function_call_output", "call_id": "c1", "output": "77 EUR"},
        {"type": "tool", "data": {"content": "77 EUR", "tool_call_id": "c1"}},
    ],
)
def test_what_a_tool_gave_is_nobodys_words(message: dict[str, Any]) -> None:
    read = read_message(message)
    assert read is not None
    (response,) = read.of_kind(PartKind.TOOL_RESPONSE)
    assert (read.role, read.text, response.call_id, response.value) == ("tool", "", "c1", "77 EUR")


def test_an_attachment_says_what_it_is_and_never_what_is_in_it() -> None:
    parts = [
        {"type": "blob", "mime_type": "image/png", "content": "iVBORw0KGgo="},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
        {"type": "input_file", "file_id": "file-7"},
    ]
    read = read_message({"role": "user", "content": parts})
    assert read is not None
    first, second, third = read.of_kind(PartKind.ATTACHMENT)
    assert first.reference == second.reference
    assert first.reference.startswith("sha256:")
    assert (first.media_type, second.media_type) == ("image/png", "image/png")
    assert (third.media_type, third.reference) == ("input_file", "file-7")
    assert "iVBOR" not in repr(read)
