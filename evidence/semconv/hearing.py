"""What one span was asked and what it gave, as messages, from whichever attributes and events hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from evidence.semconv.dialects import DIALECTS, Meaning, Operation, attributes_for
from evidence.semconv.dialects.contract import FlatMessage, IndexedMessages, Messages
from evidence.semconv.messages import (
    ASSISTANT,
    SYSTEM,
    THOUGHTS,
    TOOL,
    USER,
    Message,
    Part,
    PartKind,
    read_message,
    read_messages,
    read_parts,
    role_named,
    say,
    with_reason,
)
from evidence.semconv.span_view import SpanView
from evidence.semconv.spelling import parse_said
from evidence.semconv.templates import read_template
from evidence.semconv.values import read_value

_INPUT: Final = attributes_for(Meaning.INPUT_TEXT)
_OUTPUT: Final = attributes_for(Meaning.OUTPUT_TEXT)
_CONVERSATION: Final = attributes_for(Meaning.CONVERSATION)
_SYSTEM: Final = attributes_for(Meaning.SYSTEM_TEXT)
_FINISH: Final = attributes_for(Meaning.FINISH_REASON)
_ASKED: Final = tuple(dialect.asked for dialect in DIALECTS)
_ANSWERED: Final = tuple(dialect.answered for dialect in DIALECTS)
_EVENT_BODIES: Final = tuple(dialect.event_body for dialect in DIALECTS if dialect.event_body)
_CONTENT: Final = frozenset({
    *_INPUT, *_OUTPUT, *_CONVERSATION, *(key for one in (*_ASKED, *_ANSWERED) for key in one.attributes)
})  # fmt: skip
_CONTENT_EVENTS: Final = frozenset(
    name for one in (*_ASKED, *_ANSWERED) for name in (*one.events, *one.event_values)
)
_CONTENT_PREFIXES: Final = frozenset(where.prefix for one in (*_ASKED, *_ANSWERED) for where in one.indexed)
_GIVEN: Final = frozenset({*_OUTPUT, *_CONVERSATION, *(key for one in _ANSWERED for key in one.attributes)})
_PROMPT_RECORDED: Final = attributes_for(Meaning.PROMPT_RECORDED)
_PROMPT_EVENTS: Final = frozenset[str]().union(*(dialect.prompt_events for dialect in DIALECTS))
_ASKED_PREFIXES: Final = frozenset(where.prefix for one in _ASKED for where in one.indexed)
_ERROR: Final = 2  # OTLP status code
_OF_CALLS: Final = ("tool", "function", "_call")  # one of which stands in each form of a call
_NOTHING_TEXTS: Final = ("{}", "[]", "null", '""')  # that say that there is none


class _Side(NamedTuple):
    """All places, in any dialect, where a span holds one side of what was said; the most telling first."""

    role: str
    places: tuple[str | IndexedMessages, ...]  # an attribute, or the prefix of a flattened list
    events: Mapping[str, str]  # by name: whose message it is
    event_values: Mapping[str, str]  # by name: the attribute that holds messages
    values: tuple[str, ...]  # attributes with a text, or JSON of any known form

    @classmethod
    def of(cls, role: str, said: Sequence[Messages], values: tuple[str, ...]) -> _Side:
        """Return the places that some dialects declare."""
        return cls(
            role=role,
            places=tuple(place for one in said for place in _places_of(one)),
            events={name: whose for one in said for name, whose in one.events.items()},
            event_values={name: key for one in said for name, key in one.event_values.items()},
            values=values,
        )


def _places_of(said: Messages) -> Iterator[str | IndexedMessages]:
    yield from said.attributes
    yield from said.indexed


_QUESTION_SIDE: Final = _Side.of(USER, _ASKED, _INPUT)
_ANSWER_SIDE: Final = _Side.of(ASSISTANT, _ANSWERED, _OUTPUT)


class Heard(NamedTuple):
    """The messages of one side of a span. `unread` is content that was there and was not understood."""

    messages: Sequence[Message] = ()
    attribute: str = ""
    unread: Any = None
    unread_attribute: str = ""


def has_content(span: SpanView) -> bool:
    """Return whether a span holds anything that was said."""
    if not _CONTENT.isdisjoint(span.attributes) or not _CONTENT_PREFIXES.isdisjoint(span.indexed_under):
        return True
    return bool(span.events) and any(event.get("name") in _CONTENT_EVENTS for event in span.events)


def hear_asked(span: SpanView) -> Heard:
    """Return what was put to the step of a span, its history first, the last turn last."""
    heard = _hear_asked(span)
    if len(heard.messages) != 1 or heard.messages[0].role != USER:
        return heard
    messages = read_template(heard.messages[0].text)
    return heard._replace(messages=messages) if messages else heard  # noqa: SLF001  # a NamedTuple's public method


def _hear_asked(span: SpanView) -> Heard:
    best = Heard()
    for heard in _hear(span, _QUESTION_SIDE):
        if span.operation is Operation.CHAT and heard.messages:
            return heard
        # A span may hold one turn in one place and the whole conversation in another: the fuller one is heard.
        if len(heard.messages) > len(best.messages) or not (best.messages or best.unread):
            best = heard
    return best if best.messages else _asked_in_conversation(span, best)


def hear_answered(span: SpanView) -> Heard:
    """Return what the step of a span gave."""
    first = Heard()
    for heard in _hear(span, _ANSWER_SIDE):
        if heard.messages:
            return heard
        first = first if first.attribute or first.unread else heard
    whole = _hear_conversation(span)
    if whole.messages:
        return whole
    return first if first.attribute or first.unread else _answered_among_asked(span)


def has_prompt(span: SpanView) -> bool:
    """Return whether a model call records what was put to the model."""
    if span.has(*_PROMPT_RECORDED) or not _ASKED_PREFIXES.isdisjoint(span.indexed_under):
        return True
    return any(event.get("name") in _PROMPT_EVENTS for event in span.events)


def may_call_tools(span: SpanView) -> bool:
    """Return whether what a span gave can hold calls of tools, without reading it."""
    if span.events or span.indexed_under:
        return True
    values = (span.attributes[key] for key in _GIVEN.intersection(span.attributes))
    return any(
        value is not None and (not isinstance(value, str) or any(word in value for word in _OF_CALLS))
        for value in values
    )


def system_text(span: SpanView, asked: Heard) -> str:
    """Return what the model was told to be."""
    told = "\n".join(message.text for message in asked.messages if message.role == SYSTEM)
    if told:
        return told
    value = span.first(_SYSTEM)
    if isinstance(value, str) and value.lstrip()[:1] in {"[", "{"}:
        value = _parsed(value)
    return "\n".join(part.text for part in read_parts(value))


def finish_reason(span: SpanView, answered: Heard) -> str:
    """Return why the model stopped, as the library called it."""
    said = next(
        (message.finish_reason for message in reversed(answered.messages) if message.finish_reason), ""
    )
    if said:
        return said
    value = span.first(_FINISH)
    if isinstance(value, str) and value.startswith("["):
        value = _parsed(value)
    if isinstance(value, list):
        value = value[0] if value else ""
    return value if isinstance(value, str) else ""


def _hear(span: SpanView, side: _Side) -> Iterator[Heard]:
    """Hear each place of a span that holds something, the most telling first."""
    attributes, under = span.attributes, span.indexed_under
    for place in side.places:
        if isinstance(place, str):
            if (value := attributes.get(place)) and value not in _NOTHING_TEXTS:
                yield _hear_list(value, place, side.role)
        elif place.prefix in under:
            yield _hear_rows(span.indexed(place.prefix), place.prefix, place.names, side.role)
    if span.events and (heard := _hear_events(span, side)):
        yield heard
    for key in side.values:
        value = attributes.get(key)
        if value is not None and value != "":
            yield _hear_value(value, key, side.role)


def _hear_list(value: Any, key: str, role: str) -> Heard:
    parsed = _parsed(value) if isinstance(value, str) else value
    messages = read_messages(parsed, role) if isinstance(parsed, list) else read_value(parsed, role)
    if messages:
        return Heard(messages, key)
    return Heard(unread=value, unread_attribute=key) if parsed != [] else Heard(attribute=key)


def _hear_value(value: Any, key: str, role: str) -> Heard:
    messages = read_value(value, role)
    if messages is None:
        return Heard(unread=value, unread_attribute=key)
    return Heard(messages, key)


def _hear_rows(rows: Sequence[Mapping[str, Any]], prefix: str, names: FlatMessage | None, role: str) -> Heard:
    read = [_from_row(row, names, role) if names else read_message(row, role) for row in rows]
    # A message of which only the role is told is none: what was said stands in another place, or nowhere.
    messages = [message for message in read if message and (message.parts or message.finish_reason)]
    return Heard(messages, f"{prefix}.{len(rows) - 1}")


def _from_row(row: Mapping[str, Any], names: FlatMessage, role: str) -> Message | None:
    said = role_named(row.get(names.role)) or role
    parts = _parts_of_row(row, names)
    calls = _calls_of_row(row, names)
    if said == TOOL:
        call_id = row.get(names.answers_call)
        text = "\n".join(part.text for part in parts)
        parts = [
            Part(PartKind.TOOL_RESPONSE, call_id=call_id if isinstance(call_id, str) else "", value=text)
        ]
    reason = row.get(names.finish_reason)
    return Message(said, (*parts, *calls), reason if isinstance(reason, str) else "")


def _parts_of_row(row: Mapping[str, Any], names: FlatMessage) -> list[Part]:
    content = row.get(names.content)
    if isinstance(content, str) and content.startswith("[{"):
        parsed = _parsed(content)  # parts, as older libraries write them
        if isinstance(parsed, list) and (parts := read_parts(parsed)):
            return parts
    if content:
        return read_parts(content)
    parts = []
    for key in sorted(row):
        if key.endswith(names.part_ending) and isinstance(row[key], str):
            is_thought = row.get(f"{key.rpartition('.')[0]}.type") in THOUGHTS
            parts.append(Part(PartKind.REASONING if is_thought else PartKind.TEXT, row[key]))
        elif names.image_ending and key.endswith(names.image_ending):
            parts += read_parts([{"type": "image_url", "image_url": row[key]}])
    return parts


def _calls_of_row(row: Mapping[str, Any], names: FlatMessage) -> list[Part]:
    start = f"{names.tool_calls}."
    calls: dict[str, dict[str, Any]] = {}
    for key, value in row.items():
        if key.startswith(start):
            number, _, rest = key[len(start) :].partition(".")
            calls.setdefault(number, {})[rest] = value
    return [
        Part(
            PartKind.TOOL_CALL,
            call_id=str(call.get(names.call_id) or ""),
            name=str(call.get(names.call_name) or ""),
            value=call.get(names.call_arguments),
        )
        for _, call in sorted(calls.items())
    ]


def _hear_events(span: SpanView, side: _Side) -> Heard | None:
    messages: list[Message] = []
    seen = ""
    for event in span.events:
        name = event.get("name")
        attributes = event.get("attributes")
        if not isinstance(name, str) or not isinstance(attributes, Mapping):
            continue
        if name in side.events:
            seen = name
            if (message := _from_event(attributes, side.events[name])) is not None:
                messages.append(message)
        elif name in side.event_values and (value := attributes.get(side.event_values[name])):
            seen = name
            messages += read_value(value, side.role) or ()
    if not seen:
        return None
    if not messages:
        return Heard(attribute=f"event:{seen}")
    return Heard(messages, f"event:{seen}")


def _from_event(attributes: Mapping[str, Any], role: str) -> Message | None:
    """Return the message of an event: its attributes, or the `message` in them, each JSON or not."""
    told = dict(attributes)
    for key in _EVENT_BODIES:
        body = _parsed(told[key]) if isinstance(told.get(key), str) else told.get(key)
        if isinstance(body, dict):
            told.update(body)
    for key in ("message", "content", "parts", "tool_calls"):
        value = told.get(key)
        if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
            parsed = _parsed(value)
            if key == "message" or isinstance(parsed, list):
                told[key] = parsed
    if isinstance(told.get("message"), list):
        told["content"] = told.pop("message")  # the parts of the message, as Strands writes them
    if isinstance(told.get("message"), str):
        return with_reason(say(role, told["message"]), told.get("finish_reason"))
    return read_message(told, role)


def _asked_in_conversation(span: SpanView, otherwise: Heard) -> Heard:
    """Return a conversation up to the last thing that a user said in it."""
    whole = _hear_conversation(span)
    if not whole.messages:
        return otherwise
    last = max((n for n, message in enumerate(whole.messages) if message.role == USER), default=-1)
    return Heard(whole.messages[: last + 1], whole.attribute)


def _answered_among_asked(span: SpanView) -> Heard:
    """Return an answer that was sent as an event like those of the history, after the last of a user."""
    if span.status_code == _ERROR:
        return Heard()  # what stands last is how the answer was to begin
    heard = _hear_events(span, _QUESTION_SIDE) if span.events else None
    if heard and heard.messages and heard.messages[-1].role == ASSISTANT:
        return Heard(heard.messages[-1:], heard.attribute)
    return Heard()


def _hear_conversation(span: SpanView) -> Heard:
    key = next((key for key in _CONVERSATION if span.has(key)), "")
    return _hear_list(span.attributes[key], key, "") if key else Heard()


def _parsed(text: str) -> Any:
    try:
        return parse_said(text)
    except (ValueError, RecursionError):
        return None
