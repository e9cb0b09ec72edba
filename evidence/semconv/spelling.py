"""A span's attributes as they are read: JSON spelled out, and what its events say beside what it says itself.

Some libraries put into one attribute what others put into several, or write each value as JSON. What is spelled out
keeps its name before it, so that a source still says where it stood; what the span says itself always counts first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from evidence.otlp.values import escape_unstorable
from evidence.semconv.dialects import DIALECTS

_DETAIL_EVENTS: Final = frozenset[str]().union(*(dialect.detail_events for dialect in DIALECTS))
_LIFTED: Final = {name: keys for dialect in DIALECTS for name, keys in dialect.lifted.items()}
_UNFOLDED: Final = frozenset(key for dialect in DIALECTS for key in dialect.unfolded)
# By the attribute that says what a span of the dialect did: its names may be plain words that others use as well.
_QUOTED: Final = {dialect.operations.attribute: dialect.quoted for dialect in DIALECTS if dialect.quoted}
_SPELLED: Final = frozenset({*_UNFOLDED, *_QUOTED})  # without one of these there is no JSON to spell out
_WITHHELD: Final = {text: keys for dialect in DIALECTS for text, keys in dialect.withheld.items()}
_LONGEST_WITHHELD: Final = max(map(len, _WITHHELD), default=0)  # characters


def spell_out(attributes: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the attributes of a span with what its JSON and its events say, without what stands for hidden content."""
    withheld = [
        key
        for key, value in attributes.items()
        if isinstance(value, str) and len(value) <= _LONGEST_WITHHELD and value in _WITHHELD
        if not _WITHHELD[value] or key in _WITHHELD[value]
    ]
    if not (events or withheld) and _SPELLED.isdisjoint(attributes):
        return attributes
    said = {key: value for event in reversed(events) for key, value in _said_by(event)}  # the first says it
    said |= {
        key: value
        for name in _UNFOLDED.intersection(attributes)
        for key, value in _unfolded(name, attributes)
    }
    plain = {
        key: text
        for stating, keys in _QUOTED.items()
        if stating in attributes
        for key in keys
        if isinstance(text := _parsed(attributes.get(key)), str)
    }
    if not (said or plain or withheld):
        return attributes
    spelled = {**said, **attributes, **plain}
    for key in withheld:
        del spelled[key]
    return spelled


def _said_by(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    name, said = event.get("name"), event.get("attributes")
    if not isinstance(name, str) or not isinstance(said, Mapping):
        return
    if name in _DETAIL_EVENTS:
        yield from said.items()
    for key in _LIFTED.get(name, ()):
        if key in said:
            yield f"event:{name}.{key}", said[key]


def _unfolded(name: str, attributes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    told = _parsed(attributes[name])
    if isinstance(told, Mapping):
        yield from ((f"{name}.{key}", value) for key, value in told.items())


def _parsed(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] not in {"{", '"'}:
        return value
    try:
        return parse_said(value)
    except (ValueError, RecursionError):
        return value


def parse_json(text: str) -> Any:
    """Return parsed JSON that PostgreSQL can store: NUL, lone surrogates and infinities as their names.

    Raises:
        ValueError: not JSON.
        RecursionError: nested too deep.
    """
    value = _EXACT.decode(text)
    return escape_unstorable(value) if "\\u" in text else value


def _read_float(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


_EXACT: Final = json.JSONDecoder(parse_float=_read_float, parse_constant=str)


def parse_said(text: str) -> Any:
    """Return parsed JSON of what was said. As `parse_json`, and faster where no exact number is at stake.

    Raises:
        ValueError: not JSON.
        RecursionError: nested too deep.
    """
    if "\\u" in text or "tool" in text or "function" in text:
        return parse_json(text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return parse_json(text)
