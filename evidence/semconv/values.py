"""What stands in one value that a library put its whole input or output into.

A text is a text. JSON is read where it is a form that is known: messages, choices, generations, the state of a graph,
an object with one well-known key. Other JSON is not read, and never shown as if somebody had said it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from evidence.semconv.messages import (
    ASSISTANT,
    USER,
    Message,
    read_message,
    read_messages,
    read_parts,
    say,
    squeeze,
    with_reason,
)
from evidence.semconv.spelling import parse_said

_MESSAGES: Final = ("messages", "contents", "choices", "generations", "candidates", "update")
# In the order in which they are believed. Two of the same line that say different things are not chosen between.
_ASKED_KEYS: Final = (
    _MESSAGES,
    (
        "question",
        "query",
        "user_query",
        "user_question",
        "user_input",
        "human_input",
        "user_message",
        "user_msg",
        "user_prompt",
        "task",
    ),
    ("input", "inputs", "chat_input", "message", "prompt", "prompts", "text", "content"),
)
_ANSWERED_KEYS: Final = (
    _MESSAGES,
    ("answer", "final_answer", "final_output", "output_text", "return_values"),
    (
        "output",
        "outputs",
        "response",
        "result",
        "reply",
        "completion",
        "generation",
        "message",
        "text",
        "content",
    ),
)
_PLAIN_KEYS: Final = frozenset(key for keys in (*_ASKED_KEYS[1:], *_ANSWERED_KEYS[1:]) for key in keys)
_KEYS: Final = {USER: _ASKED_KEYS, ASSISTANT: _ANSWERED_KEYS}
# What may stand beside a text under one of the last, plainest keys without being what was said.
_BESIDE: Final = re.compile(
    r"(?:.*_)?(?:name|id|role|agent|date|time|type|model|language|locale|status|title|subject|topic|channel|category"
    r"|sources?|url|version|user|context|history|system|system_prompt|instructions|reasoning|thoughts?|rationale|explanation|log|metadata"
    r"|additional_kwargs|usage|documents)",
    re.IGNORECASE,
)
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORDING: Final = re.compile(
    r"[^\W\d_]{2,}[\s,;:]+[^\W\d_]{2,}|\w\?\s*$|[\u3400-\u9fff]{2,}"
)  # words, or a short question
_CREW_OUTPUT: Final = frozenset({"raw", "pydantic", "json_dict"})  # of CrewAI: what was said is `raw`
_CALLED: Final = frozenset({"args", "kwargs", "sanitize_inputs_outputs"})  # of a traced function
_CALLED_BY_NAME: Final = frozenset({"tool_name", "arguments"})  # a tool of an MCP server, in OpenLLMetry
_ENVELOPES: Final = frozenset({"request", "payload", "body", "data", "event", "params"})  # of one thing alone
_MAX_DEPTH: Final = 8
# What Python shows of an object: `AgentOutput(response=...)`.
_SHOWN_OBJECT: Final = re.compile(r"\s*(?:<[\w. ]+ object at 0x|[A-Z]\w*\((?:[a-z_]\w*=|\)|[A-Z]\w*\())")
_NOT_PROSE: Final = re.compile(
    r"""\s*(?:\{.*["'].*:|\[\s*(?:[\[{"']|-?\d+(?:\.\d+)?\s*,|[A-Za-z_]\w*\()|<[?!])""", re.DOTALL
)
_FENCED: Final = re.compile(r"\s*```[^`]*```\s*")


def read_value(value: Any, role: str) -> list[Message] | None:
    """Return the messages of a value; empty where it holds nothing, None where it holds what is not understood.

    Args:
        role: USER for what was asked, ASSISTANT for what was answered.
    """
    return _read(value, role, 0)


def texts_in(value: Any) -> list[str]:
    """Return all texts that stand anywhere in a value, squeezed: what is not understood can still be searched."""
    if isinstance(value, str):
        try:
            value = parse_said(value)
        except (ValueError, RecursionError):
            return [squeeze(value.replace("\\n", " "))]  # a language's own notation writes line breaks out
    found, waiting = [], [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            found.append(squeeze(one))
        elif isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return found


def worded_in(value: Any) -> list[str]:
    """Return those of `texts_in` that are more than a word, a code or a label."""
    return [text for text in texts_in(value) if _WORDING.search(text)]


def given_in_call(call: Mapping[str, Any]) -> Any:
    """Return what a traced function was given: by name, or by place where nothing was given by name."""
    if call.keys() == _CALLED_BY_NAME and isinstance(call["arguments"], Mapping):
        return call["arguments"]
    by_place, by_name = call.get("args"), call.get("kwargs")
    if by_place and by_name:
        return call
    if isinstance(by_name, Mapping) and not by_place:
        return by_name
    return by_place[0] if isinstance(by_place, list) and len(by_place) == 1 else call


def is_prose(text: str) -> bool:
    """Return whether a text is in words: not JSON, not a vector, not markup or code alone."""
    start = text.lstrip()[:1]
    if _SHOWN_OBJECT.match(text):
        return False
    if start == "`":
        return _FENCED.fullmatch(text) is None
    if start not in {"{", "[", "<"}:
        return bool(start)
    return _NOT_PROSE.match(text) is None


def _read(value: Any, role: str, depth: int) -> list[Message] | None:
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, str):
        return _read_text(value, role, depth)
    if isinstance(value, list):
        return _read_list(value, role, depth)
    if isinstance(value, dict):
        return _read_mapping(value, role, depth)
    return [] if value is None else None


def _read_text(text: str, role: str, depth: int) -> list[Message] | None:
    begins = text.lstrip()[:1]
    if not begins:
        return []
    if begins not in {"{", "[", '"'}:
        return None if _SHOWN_OBJECT.match(text) else [say(role, text)]
    try:
        parsed = parse_said(text)
    except (ValueError, RecursionError):
        return [say(role, text)] if is_prose(text) else None
    return _read(parsed, role, depth + 1)


def _read_list(items: list[Any], role: str, depth: int) -> list[Message] | None:
    if not items:
        return []
    if (pair := read_message(items)) is not None:
        return [pair]
    if messages := read_messages(items):
        return messages
    if all(isinstance(item, dict) for item in items) and (parts := read_parts(items)):
        return [Message(role, tuple(parts))]
    read = [_read(item, role, depth + 1) for item in items]
    known = [messages for messages in read if messages]
    # One of several is the last word of a graph's updates; several that stand side by side are not chosen between.
    return known[0] if len(known) == 1 and None not in read else None


def _read_mapping(value: Mapping[str, Any], role: str, depth: int) -> list[Message] | None:
    if not value:
        return []
    if (inner := _wrapped_in(value, role)) is not value:
        return _read(inner, role, depth + 1)
    messages_key, *text_keys = _KEYS[role]
    messages = _read_keys(value, messages_key, role, depth)
    if messages is None and (message := read_message(value)) is not None:
        return [message]
    for keys in text_keys:
        if (said := _read_keys(value, keys, role, depth)) is not None:
            if messages is None and keys is text_keys[-1] and _says_more(value, depth):
                return None  # of {"message": "Done", "data": {"reply": ...}} the message is not the answer
            return said if messages is None else _agreed(messages, said, role)
    return messages if messages is not None else _read_components(value, role, depth)


def _read_components(value: Mapping[str, Any], role: str, depth: int) -> list[Message] | None:
    """Return what the components of a pipeline were all asked, or all answered: `{"retriever": {"query": ...}, ...}`.

    Only under the keys that are believed most: what a component was set to stands under the others.
    """
    components = [held for held in value.values() if isinstance(held, dict)]
    if len(components) < len(value):
        return None
    read = [said for one in components if (said := _read_keys(one, _KEYS[role][1], role, depth + 1))]
    told = {tuple(message.text for message in messages) for messages in read}
    return read[0] if len(told) == 1 else None


def _wrapped_in(value: Mapping[str, Any], role: str) -> Any:
    """Return what a library put an object around; the object itself where that is none of those."""
    if value.keys() <= _CALLED:
        return given_in_call(value)
    if len(value) == 1 and value.keys() <= _ENVELOPES:
        (inner,) = value.values()
        return inner if isinstance(inner, dict) else value
    return value["raw"] if role == ASSISTANT and value.keys() >= _CREW_OUTPUT else value


def _says_more(value: Mapping[str, Any], depth: int) -> bool:
    """Return whether an object has words under a key of which it is not known what it holds."""
    if depth > _MAX_DEPTH:
        return False
    for key, held in value.items():
        if key in _PLAIN_KEYS or _BESIDE.fullmatch(_CAMEL.sub("_", key)):
            continue
        if isinstance(held, str) and _WORDING.search(held):
            return True
        if isinstance(held, dict) and (_says_more(held, depth + 1) or _holds_plain_words(held)):
            return True
    return False


def _holds_plain_words(value: Mapping[str, Any]) -> bool:
    return any(isinstance(value.get(key), str) and _WORDING.search(value[key]) for key in _PLAIN_KEYS)


def _read_keys(
    value: Mapping[str, Any], keys: tuple[str, ...], role: str, depth: int
) -> list[Message] | None:
    """Return what the first of these keys holds; None where none holds anything, or two hold different things."""
    held = [value[key] for key in keys if key in value and value[key] not in (None, "", [], {})]
    read = [messages for one in held if (messages := _read(one, role, depth + 1))]
    if not read or len({tuple(message.text for message in messages) for messages in read}) > 1:
        return None
    reason = value.get("finish_reason") or value.get("finishReason")
    return [with_reason(read[0][0], reason)] if len(read[0]) == 1 else read[0]


def _agreed(messages: list[Message], said: list[Message], role: str) -> list[Message] | None:
    """Return one reading of messages beside a text: a question follows its history, an answer is the last of them."""
    last = next((message.text for message in reversed(messages) if message.role == role), "")
    text = "\n".join(message.text for message in said)
    if last == text:
        return messages
    return [*messages, *said] if role == USER else None
