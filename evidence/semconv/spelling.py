"""A span's attributes as they are read: JSON spelled out, and what its events say beside what it says itself.

Some libraries put into one attribute what others put into several, or write each value as JSON. What is spelled out
keeps its name before it, so that a source still says where it stood; what the span says itself always counts first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from evidence.otlp.values import escape_unstorable
from evidence.semconv.dialects import DIALECTS

_DETAIL_EVENTS: Final = frozenset[str]().union(*(dialect.detail_events for dialect in DIALECTS))
_LIFTED: Final = {name: keys for dialect in DIALECTS for name, keys in dialect.lifted.items()}
_UNFOLDED: Final = frozenset(key for dialect in DIALECTS for key in dialect.unfolded)
# By the attribute that says what a span of the dialect did: its names may be plain words that others use as well.
_QUOTED: Final = {dialect.operations.attribute: dialect.quoted for dialect in DIALECTS if dialect.quoted}
_WITHHELD: Final = {text: keys for dialect in DIALECTS for text, keys in dialect.withheld.items()}


def spell_out(attributes: dict[str, Any], events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the attributes of a span with what its JSON and its events say, without what stands for withheld content.

    Args:
        attributes: of the span; changed.
    """
    for event in events:
        _add_event(attributes, event)
    for key in _UNFOLDED.intersection(attributes):
        told = _parsed(attributes[key])
        if isinstance(told, Mapping):
            for name, value in told.items():
                attributes.setdefault(f"{key}.{name}", value)
    for stating in _QUOTED.keys() & attributes.keys():
        for key in _QUOTED[stating]:
            if key in attributes and isinstance(said := _parsed(attributes[key]), str):
                attributes[key] = said
    for key in [key for key, value in attributes.items() if _is_withheld(key, value)]:
        del attributes[key]
    return attributes


def _is_withheld(key: str, value: object) -> bool:
    if not isinstance(value, str) or (keys := _WITHHELD.get(value)) is None:
        return False
    return not keys or key in keys


def _add_event(attributes: dict[str, Any], event: Mapping[str, Any]) -> None:
    name, said = event.get("name"), event.get("attributes")
    if not isinstance(name, str) or not isinstance(said, Mapping):
        return
    if name in _DETAIL_EVENTS:
        for key, value in said.items():
            attributes.setdefault(key, value)
    for key in _LIFTED.get(name, ()):
        if key in said:
            attributes.setdefault(f"event:{name}.{key}", said[key])


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
