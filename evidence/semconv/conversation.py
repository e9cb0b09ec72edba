"""The question that was asked and the answer that was given, from whichever convention holds them.

Our own attributes win; then the messages of the agent's span, its plain input and output, and last the model
calls: the first one's question, the last one's answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from evidence.semconv.operations import CHAT, operation_of
from evidence.semconv.span_view import SpanView, first_with

_PROMPT_KEYS: Final = (
    "gen_ai.input.messages",
    "gen_ai.system_instructions",
    "gen_ai.prompt",
    "input.value",
    "llm.prompt_template.template",
)
_PROMPT_EVENTS: Final = frozenset({"gen_ai.user.message", "gen_ai.system.message", "gen_ai.content.prompt"})
_USER_EVENT: Final = "gen_ai.user.message"
_ANSWER_EVENTS: Final = frozenset({"gen_ai.choice", "gen_ai.assistant.message"})


def find_question(agents: Sequence[SpanView], spans: Sequence[SpanView]) -> str:
    """Return the question; `agents` are the spans that speak for the whole trace, most telling first."""
    own = first_with([*agents, *spans], "tracebinder.question")
    if own and (question := own.text("tracebinder.question")):
        return question
    chats = [span for span in spans if operation_of(span) == CHAT]
    return next((text for span in [*agents, *chats] if (text := _question_of(span))), "")


def find_answer(agents: Sequence[SpanView], spans: Sequence[SpanView]) -> str:
    """Return the answer; `agents` as in `find_question`."""
    own = first_with([*agents, *spans], "tracebinder.answer")
    if own and (answer := own.text("tracebinder.answer")):
        return answer
    chats = [span for span in spans if operation_of(span) == CHAT]
    return next((text for span in [*agents, *reversed(chats)] if (text := _answer_of(span))), "")


def has_prompt(spans: Iterable[SpanView]) -> bool:
    """Return whether any model call records what was put to the model."""
    return any(
        span.has(*_PROMPT_KEYS)
        or span.indexed("llm.input_messages")
        or span.indexed("gen_ai.prompt")
        or any(event.get("name") in _PROMPT_EVENTS for event in span.events)
        for span in spans
        if operation_of(span) == CHAT
    )


def _question_of(span: SpanView) -> str:
    messages = [*_messages(span, "gen_ai.input.messages"), *span.indexed("gen_ai.prompt")]
    messages += _unprefixed(span.indexed("llm.input_messages"))
    texts = [_text_of(message) for message in messages if message.get("role") == "user"]
    texts += [_text_of(_attributes(event)) for event in span.events if event.get("name") == _USER_EVENT]
    said = [text for text in texts if text]
    return said[-1] if said else span.text("input.value", "gen_ai.prompt")


def _answer_of(span: SpanView) -> str:
    messages = [*_messages(span, "gen_ai.output.messages"), *span.indexed("gen_ai.completion")]
    messages += _unprefixed(span.indexed("llm.output_messages"))
    texts = [_text_of(message) for message in messages]
    texts += [_text_of(_attributes(event)) for event in span.events if event.get("name") in _ANSWER_EVENTS]
    said = [text for text in texts if text]
    return said[-1] if said else span.text("output.value", "gen_ai.completion")


def _messages(span: SpanView, key: str) -> list[Mapping[str, Any]]:
    return (
        [message for message in span.json_list(key) if isinstance(message, Mapping)] if span.has(key) else []
    )


def _unprefixed(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Turn OpenInference rows (`message.role`, `message.contents.N.…`) into plain messages."""
    messages: list[Mapping[str, Any]] = []
    for row in rows:
        parts = [row[key] for key in sorted(row) if key.endswith(".message_content.text")]
        messages.append(
            {
                "role": row.get("message.role"),
                "content": row.get("message.content") or "\n".join(str(part) for part in parts),
            }
        )
    return messages


def _attributes(event: Mapping[str, Any]) -> Mapping[str, Any]:
    attributes = event.get("attributes")
    if not isinstance(attributes, Mapping):
        return {}
    inner = attributes.get("message")  # `gen_ai.choice` nests the message
    return inner if isinstance(inner, Mapping) else attributes


def _text_of(message: Mapping[str, Any]) -> str:
    """Return the text of a message: its `content` (text or parts), or the text among its `parts`."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else message.get("parts")
    if not isinstance(parts, list):
        return ""
    texts = [_part_text(part) for part in parts]
    return "\n".join(text for text in texts if text)


def _part_text(part: object) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping) or part.get("type", "text") != "text":
        return ""
    text = part.get("content", part.get("text"))
    return text if isinstance(text, str) else ""
