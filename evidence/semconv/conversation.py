"""The question that was asked and the answer that was given, from whichever convention holds them.

Our own attributes win; then the messages of the agent's span, its plain input and output, and last the model
calls: the first one's question, the last one's answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from evidence.semconv.dialects import (
    DIALECTS,
    GENAI,
    GENAI_LEGACY,
    OPENINFERENCE,
    Meaning,
    Operation,
    attributes_for,
)
from evidence.semconv.dialects.contract import FlatMessage, Messages
from evidence.semconv.dialects.tracebinder import ANSWER, QUESTION
from evidence.semconv.span_view import SpanView, first_with

# The messages of one span in several dialects are heard one after another, in this order, and then its events. What
# was said last is taken.
_HEARD: Final = (GENAI, GENAI_LEGACY, OPENINFERENCE)
_ASKED: Final = tuple(dialect.asked for dialect in _HEARD)
_ANSWERED: Final = tuple(dialect.answered for dialect in _HEARD)

_INPUT_TEXT: Final = attributes_for(Meaning.INPUT_TEXT)
_OUTPUT_TEXT: Final = attributes_for(Meaning.OUTPUT_TEXT)
_PROMPT_RECORDED: Final = attributes_for(Meaning.PROMPT_RECORDED)
_PROMPT_EVENTS: Final = frozenset[str]().union(*(dialect.prompt_events for dialect in DIALECTS))


def find_question(agents: Sequence[SpanView], spans: Sequence[SpanView]) -> str:
    """Return the question; `agents` are the spans that speak for the whole trace, most telling first."""
    own = first_with([*agents, *spans], QUESTION)
    if own and (question := own.text(QUESTION)):
        return question
    return next((text for span in [*agents, *_chats(spans)] if (text := _question_of(span))), "")


def find_answer(agents: Sequence[SpanView], spans: Sequence[SpanView]) -> str:
    """Return the answer; `agents` as in `find_question`."""
    own = first_with([*agents, *spans], ANSWER)
    if own and (answer := own.text(ANSWER)):
        return answer
    return next((text for span in [*agents, *reversed(_chats(spans))] if (text := _answer_of(span))), "")


def has_prompt(spans: Iterable[SpanView]) -> bool:
    """Return whether any model call records what was put to the model."""
    return any(
        span.has(*_PROMPT_RECORDED)
        or any(span.indexed(where.prefix) for asked in _ASKED for where in asked.indexed)
        or any(event.get("name") in _PROMPT_EVENTS for event in span.events)
        for span in _chats(spans)
    )


def _chats(spans: Iterable[SpanView]) -> list[SpanView]:
    return [span for span in spans if span.operation is Operation.CHAT]


def _question_of(span: SpanView) -> str:
    said = [_text_of(message) for message in _messages(span, _ASKED) if message.get("role") == "user"]
    return _last([*said, *_event_texts(span, _ASKED)]) or span.text(*_INPUT_TEXT)


def _answer_of(span: SpanView) -> str:
    said = [_text_of(message) for message in _messages(span, _ANSWERED)]
    return _last([*said, *_event_texts(span, _ANSWERED)]) or span.text(*_OUTPUT_TEXT)


def _last(texts: Iterable[str]) -> str:
    said = [text for text in texts if text]
    return said[-1] if said else ""


def _messages(span: SpanView, places: Iterable[Messages]) -> Iterator[Mapping[str, Any]]:
    for place in places:
        for key in place.attributes:
            listed = span.json_list(key) if span.has(key) else []
            yield from (message for message in listed if isinstance(message, Mapping))
        for where in place.indexed:
            rows = span.indexed(where.prefix)
            yield from (_unflattened(row, where.names) if where.names else row for row in rows)


def _unflattened(row: Mapping[str, Any], names: FlatMessage) -> Mapping[str, Any]:
    parts = [row[key] for key in sorted(row) if key.endswith(names.part_ending)]
    content = row.get(names.content) or "\n".join(str(part) for part in parts)
    return {"role": row.get(names.role), "content": content}


def _event_texts(span: SpanView, places: Iterable[Messages]) -> list[str]:
    names = frozenset[str]().union(*(place.events for place in places))
    return [_text_of(_attributes(event)) for event in span.events if event.get("name") in names]


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
