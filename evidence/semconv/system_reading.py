"""How a system says that its traces are to be read: where question, answer and documents stand, and what to leave out.

Whatever it does not say is read as in any trace. As JSON: `evidence.semconv.reading_document`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from evidence.semconv.span_view import SpanView
from evidence.semconv.spelling import parse_said

_LONGEST_NUMBER: Final = 6  # characters of a place in a list

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpanPattern:
    """Which spans are meant: by their name, by the library that made them, or by both. `*` stands for any text."""

    span: str = ""  # empty: any
    scope: str = ""  # name of the instrumentation scope; empty: any

    def matches(self, span: SpanView) -> bool:
        """Whether a span is one of those that are meant."""
        return _fits(self.span, span.name) and _fits(self.scope, span.scope)


@dataclass(frozen=True, slots=True)
class TextPlace:
    """Where a text stands: in an attribute of some spans, and inside its value."""

    spans: SpanPattern
    attribute: str  # as it was sent
    path: Path = ()  # keys of objects, and places in lists; empty: all of the value


@dataclass(frozen=True, slots=True)
class DocumentPlace:
    """Where documents stand, and what of each is its id, its text and its score: empty where a known key says it."""

    at: TextPlace
    id: Path = ()
    text: Path = ()
    score: Path = ()


@dataclass(frozen=True, slots=True)
class SystemReading:
    """What a system says of its traces. Of several places the first that holds anything is read."""

    question: tuple[TextPlace, ...] = ()
    answer: tuple[TextPlace, ...] = ()
    documents: tuple[DocumentPlace, ...] = ()
    turns: tuple[SpanPattern, ...] = ()  # spans that each hold one exchange
    leave_out: tuple[SpanPattern, ...] = ()  # steps that take no part, with all below them

    def leaves_out(self, span: SpanView) -> bool:
        """Whether a span takes no part in question and answer."""
        return any(one.matches(span) for one in self.leave_out)

    def attributes(self) -> frozenset[str]:
        """Return the attributes that are read."""
        texts = (*self.question, *self.answer, *(one.at for one in self.documents))
        return frozenset(one.attribute for one in texts)


NO_READING: Final = SystemReading()


def value_at(value: Any, path: Path) -> Any:
    """Return what stands at a path in a value, None where nothing does. A text on the way is read as JSON."""
    for step in path:
        if isinstance(value, str):
            value = as_json(value)
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and _is_number(step) and -len(value) <= int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def as_json(text: str) -> Any:
    """Return what a text is as JSON, None where it is none."""
    try:
        return parse_said(text)
    except (ValueError, RecursionError):
        return None


def _fits(pattern: str, name: str) -> bool:
    """Whether a name is as a pattern says, in one pass over it."""
    if not pattern:
        return True
    first, *middle = pattern.split("*")
    if not middle:
        return pattern == name
    *middle, last = middle
    end = len(name) - len(last)
    at = len(first)
    if end < at or not (name.startswith(first) and name.endswith(last)):
        return False
    for part in middle:
        at = name.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def _is_number(step: str) -> bool:
    return step.removeprefix("-").isdecimal() and step.isascii() and len(step) <= _LONGEST_NUMBER
