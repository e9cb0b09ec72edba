"""YAML to plain values, with the place of every one of them, one requirement at a time.

Works on the events of libyaml, so that a key written twice is a fault with both lines and not a value lost, and no
object of any other type can be made. What a plain scalar is, is decided here, by YAML 1.2: `no` is a text. Anchors and
tags are refused: a requirement reads the same wherever a reviewer starts, and a file cannot grow when it is expanded.

The entries of the list `requirements` are handed over as they are read and then forgotten with their places, so that
memory is what one of them takes, and what the caller keeps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import yaml

from evidence.worded import Worded, worded
from requirements.signs import UNSEEN, fault_in
from requirements.yaml_import.troubles import Unreadable, explain

MAX_BYTES: Final = (
    16_000_000  # of one requirement file: 10,000 requirements in two languages have 6 to 15 million
)
MAX_DEPTH: Final = 20  # levels of nesting
MAX_VALUES: Final = 1_000_000  # keys, values and lists of one file: a million take four seconds to read

Path = tuple[str | int, ...]
ENTRIES: Final = "requirements"

_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_COMMENT: Final = re.compile(r"[ \t]+#[^\n]*")
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Span(NamedTuple):  # made for each value of a file: a dataclass takes three times as long
    """Where a value stands: line and column, from 1, and its characters in the text."""

    line: int
    column: int
    start: int
    end: int
    plain: bool = False  # a scalar without quotes, which a comment may cut short


@dataclass
class Places:
    """Where each value of a document stands that is at hand."""

    text: str = ""
    of: dict[Path, Span] = field(default_factory=dict)

    def find(self, path: Path) -> tuple[int, int]:
        """Return the line and column of a path, or of the nearest thing around it when it is what is missing."""
        span = self.span(path)
        return (span.line, span.column) if span else (1, 1)

    def span(self, path: Path) -> Span | None:
        """Return where a path stands, or the nearest thing around it."""
        while path and path not in self.of:
            path = path[:-1]
        return self.of.get(path)

    def comment_after(self, path: Path) -> str | None:
        """Return the comment that ends a plain scalar, as it stands: what follows ` #` is no part of the value."""
        span = self.of.get(path)
        if span is None or not span.plain:
            return None
        found = _COMMENT.match(self.text, span.end)
        return found[0].strip() if found else None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong that does not stop reading."""

    line: int
    column: int
    path: Path
    code: str
    message: Worded


OnEntry = Callable[[object, int], None]


@dataclass(frozen=True, slots=True)
class Document:
    """A document's value, where it stands, and what was wrong with it that did not stop reading."""

    value: object  # the entries of `requirements` are None where they were handed over
    places: Places
    faults: list[Fault]


def read_yaml(source: bytes, on_entry: OnEntry | None = None, places: Places | None = None) -> Document:
    """Read a document.

    Args:
        on_entry: is given each entry of the list `requirements` with its index, while its places are at hand.
        places: filled while reading; its `of` is changed as entries come and go.

    Raises:
        Unreadable: not UTF-8, not YAML, more than one document, too large, too deep, with an anchor, alias or tag, or
            with a character that nobody sees.
    """
    text = decode(source)
    places = places if places is not None else Places()
    places.text = text
    builder = _Builder(places, on_entry)
    try:
        value = builder.read(iter(_LOADER(text).get_event, None))
    except yaml.MarkedYAMLError as exc:
        raise explain(exc, text) from exc
    except (yaml.YAMLError, RecursionError) as exc:
        raise Unreadable(
            1, 1, worded("not readable as YAML: %(reason)s", reason=str(exc).splitlines()[0])
        ) from exc
    return Document(value, places, builder.faults)


def decode(source: bytes) -> str:
    """Return the text of a file, without its byte order mark.

    Raises:
        Unreadable: too large, not UTF-8, or with a character that nobody sees.
    """
    if len(source) > MAX_BYTES:
        raise Unreadable(1, 1, worded("larger than %(most)s bytes; split the file", most=f"{MAX_BYTES:,}"))
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = source.count(b"\n", 0, exc.start) + 1
        raise Unreadable(line, 1, _not_utf_8(source)) from exc
    if found := UNSEEN.search(text):
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - (text.rfind("\n", 0, found.start()) + 1) + 1
        raise Unreadable(
            line, column, worded("%(fault)s; take it out", fault=fault_in(found[0])), code="bad_character"
        )
    return text


def _not_utf_8(source: bytes) -> Worded:
    """Return why bytes are no UTF-8, with what they look like."""
    if source[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return worded("not UTF-8 (it looks like UTF-16): save it as UTF-8")
    try:
        source.decode("gb18030")
    except UnicodeDecodeError:
        return worded("not UTF-8: save it as UTF-8")
    return worded("not UTF-8 (it reads as GB18030 or GBK): save it as UTF-8")


class _Builder:
    """Makes values of events, and notes where each stands."""

    def __init__(self, places: Places, on_entry: OnEntry | None) -> None:
        self.faults: list[Fault] = []
        self._places = places
        self._on_entry = on_entry
        self._n_values = 0
        self._end = 0  # character after the last thing that was read

    def read(self, events: Iterator[Any]) -> object:
        next(events)  # the stream's start
        first = next(events)
        if isinstance(first, yaml.StreamEndEvent):
            return None
        value = self._value(next(events), events, (), 0)
        next(events)  # the document's end
        after = next(events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise _at(after, worded("a second document begins here: a file has one"))
        return value

    def _value(self, event: Any, events: Iterator[Any], path: Path, depth: int, key: Any = None) -> object:
        """Return a value, and note its place: that of its key, where it has one."""
        self._check(event, depth)
        mark = event.start_mark
        told = mark if key is None else key.start_mark
        if isinstance(event, yaml.ScalarEvent):
            style = event.style
            if style == '"':
                self._check_escapes(event, path)
            end: Any = event.end_mark
            self._end = end.index
            self._places.of[path] = Span(told.line + 1, told.column + 1, mark.index, end.index, not style)
            return event.value if style else _scalar(event.value)
        self._places.of[path] = Span(told.line + 1, told.column + 1, mark.index, mark.index)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path, depth)
        return self._mapping(events, path, depth)

    def _sequence(self, events: Iterator[Any], path: Path, depth: int) -> list[object]:
        hands_over = self._on_entry is not None and path == (ENTRIES,)
        found: list[object] = []
        for index, each in enumerate(iter(events.__next__, None)):
            if isinstance(each, yaml.SequenceEndEvent):
                break
            here = (*path, index)
            value = self._value(each, events, here, depth + 1)
            if hands_over and self._on_entry is not None:
                self._on_entry(value, index)
                self._forget()
                value = None
            found.append(value)
        self._close(path, each)
        return found

    def _forget(self) -> None:
        """Drop the places of an entry."""
        of = self._places.of
        kept = {place: span for place, span in of.items() if len(place) < 2 or place[0] != ENTRIES}
        of.clear()
        of.update(kept)

    def _mapping(self, events: Iterator[Any], path: Path, depth: int) -> Mapping[str, object]:
        value: dict[str, object] = {}
        for key_event in iter(events.__next__, None):
            if isinstance(key_event, yaml.MappingEndEvent):
                break
            if not isinstance(key_event, yaml.ScalarEvent):
                raise _at(key_event, worded("a key must be a text"))
            self._check(key_event, depth + 1)
            key: str = key_event.value
            here: Path = (*path, key)
            if key_event.style == '"':
                self._check_escapes(key_event, here)
            if key in value:
                self._skip_duplicate(key_event, events, here, depth + 1)
            else:
                value[key] = self._value(next(events), events, here, depth + 1, key_event)
        self._close(path, key_event)
        return value

    def _skip_duplicate(self, key_event: Any, events: Iterator[Any], path: Path, depth: int) -> None:
        """Report a key that was given before. The fault stands at the second place, where the author has to look."""
        *above, key = path
        line, of = key_event.start_mark.line + 1, self._places.of
        first = of[path].line if path in of else line
        here = (*above, f"{key} (line {line})")
        told = worded("%(key)s is already given on line %(first)s", key=repr(key), first=first)
        self.faults.append(Fault(line, key_event.start_mark.column + 1, here, "duplicate_key", told))
        self._value(next(events), events, here, depth)

    def _close(self, path: Path, event: Any) -> None:
        """Note where a collection ends: a flow one with its bracket, a block one with the last thing in it."""
        if event.end_mark.index > event.start_mark.index:
            self._end = event.end_mark.index
        span = self._places.of.get(path)
        if span is not None:
            self._places.of[path] = Span(span.line, span.column, span.start, max(self._end, span.start))

    def _check(self, event: Any, depth: int) -> None:
        self._n_values += 1
        if self._n_values > MAX_VALUES:
            raise _at(
                event, worded("more than %(most)s keys and values; split the file", most=f"{MAX_VALUES:,}")
            )
        if depth > MAX_DEPTH:
            raise _at(event, worded("nested more than %(most)s levels deep", most=MAX_DEPTH))
        if event.anchor:  # an alias has one, too
            is_alias = isinstance(event, yaml.AliasEvent)
            raise _at(
                event,
                worded("aliases are not read: write the value out")
                if is_alias
                else worded("anchors are not read: write the value out"),
            )
        if event.tag:
            raise _at(event, worded("tags are not read: write a plain value"))

    def _check_escapes(self, event: Any, path: Path) -> None:
        """Report a character that was written as an escape; as itself, it stopped the reading."""
        if fault := fault_in(event.value):
            mark = event.start_mark
            told = worded("%(fault)s; take it out", fault=fault)
            self.faults.append(Fault(mark.line + 1, mark.column + 1, path, "bad_character", told))


def _at(event: Any, reason: Worded) -> Unreadable:
    mark = event.start_mark
    return Unreadable(mark.line + 1, mark.column + 1, reason)


def _scalar(text: str) -> object:
    """Return what a scalar without quotes means."""
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INT.fullmatch(text):
        return int(text) if len(text) < 20 else text
    return float(text) if _FLOAT.fullmatch(text) else text
