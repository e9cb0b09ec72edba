"""A system's reading as the JSON document that people write, propose and approve. No word of it is passed over.

A small document, not a language: a name may hold `*`, a path is a row of keys and numbers. What each member means:
docs/reference/semantic-conventions.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Final, TypeVar

from evidence.errors import MOST_FAULTS, Fault, InvalidInput
from evidence.nearest import hint_at, nearest_name
from evidence.semconv.system_reading import DocumentPlace, Path, SpanPattern, SystemReading, TextPlace
from evidence.strict_json import fault_in_text
from evidence.worded import Worded, worded

MOST_PLACES: Final = 20  # of each kind
LONGEST_NAME: Final = 200  # characters of a name, an attribute or a path
LONGEST_PATH: Final = 10  # steps
MOST_STARS: Final = 8  # in one name
_SPAN_KEYS: Final = ("span", "scope")
_TEXT_KEYS: Final = (*_SPAN_KEYS, "attribute", "path")
_DOCUMENT_KEYS: Final = (*_TEXT_KEYS, "id", "text", "score")
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "question": _TEXT_KEYS,
    "answer": _TEXT_KEYS,
    "documents": _DOCUMENT_KEYS,
    "turns": _SPAN_KEYS,
    "leave_out": _SPAN_KEYS,
}
_PATHS: Final = frozenset({"path", "id", "text", "score"})
_T = TypeVar("_T")


def parse_reading(document: object) -> SystemReading:
    """Return a reading from its JSON document.

    Raises:
        InvalidInput: it is none; with each fault and its place, below `document` as those who send one call it.
    """
    found = islice(_faults_in(document), MOST_FAULTS)
    faults = [replace(each, path=f"document.{each.path}".rstrip(".")) for each in found]
    if faults or not isinstance(document, Mapping):
        raise InvalidInput(faults=faults)
    return SystemReading(
        question=_each(document, "question", _text_place),
        answer=_each(document, "answer", _text_place),
        documents=_each(document, "documents", _document_place),
        turns=_each(document, "turns", _pattern),
        leave_out=_each(document, "leave_out", _pattern),
    )


def _each(document: Mapping[str, Any], key: str, read: Callable[[Mapping[str, str]], _T]) -> tuple[_T, ...]:
    return tuple(read(entry) for entry in document.get(key, ()))


def _pattern(entry: Mapping[str, str]) -> SpanPattern:
    return SpanPattern(entry.get("span", ""), entry.get("scope", ""))


def _text_place(entry: Mapping[str, str]) -> TextPlace:
    return TextPlace(_pattern(entry), entry["attribute"], _path(entry, "path"))


def _document_place(entry: Mapping[str, str]) -> DocumentPlace:
    return DocumentPlace(_text_place(entry), _path(entry, "id"), _path(entry, "text"), _path(entry, "score"))


def _path(entry: Mapping[str, str], key: str) -> Path:
    return tuple(entry[key].split(".")) if key in entry else ()


def _faults_in(document: object) -> Iterator[Fault]:
    if not isinstance(document, Mapping):
        yield Fault(
            "body",
            "",
            "not_an_object",
            worded("A reading is an object with some of %(keys)s.", keys=", ".join(_KEYS)),
        )
        return
    yield from _unknown_in(document, _KEYS, "")
    for key, known in _KEYS.items():
        entries = document.get(key, [])
        if not isinstance(entries, list):
            yield Fault("body", key, "not_a_list", worded("%(key)s is a list of places: [{…}].", key=key))
        elif len(entries) > MOST_PLACES:
            yield Fault(
                "body",
                key,
                "too_many",
                worded(
                    "%(key)s names %(count)s places; %(most)s are read.",
                    key=key,
                    count=len(entries),
                    most=MOST_PLACES,
                ),
            )
        else:
            for number, entry in enumerate(entries):
                yield from _faults_in_entry(entry, known, f"{key}[{number}]")


def _faults_in_entry(entry: object, known: tuple[str, ...], place: str) -> Iterator[Fault]:
    if not isinstance(entry, Mapping):
        yield Fault(
            "body",
            place,
            "not_an_object",
            worded("%(place)s is an object with some of %(known)s.", place=place, known=", ".join(known)),
        )
        return
    yield from _unknown_in(entry, known, place)
    if not any(entry.get(key) for key in _SPAN_KEYS):
        yield Fault(
            "body",
            place,
            "required",
            worded("%(place)s names no spans: give span, scope, or both.", place=place),
        )
    if "attribute" in known and "attribute" not in entry:
        yield Fault(
            "body",
            place,
            "required",
            worded("%(place)s names no attribute: give the one that holds it.", place=place),
        )
    for key in known:
        if key in entry and (problem := _problem_of(key, entry[key])):
            yield Fault(
                "body",
                f"{place}.{key}",
                "invalid",
                worded("%(place)s %(fault)s", place=f"{place}.{key}", fault=problem),
            )


def _problem_of(key: str, value: object) -> Worded | None:
    """Return what is wrong with one member of a place, as the end of a sentence; None where nothing is."""
    if not isinstance(value, str) or not value.strip():
        return worded("is a text that is not empty")
    if len(value) > LONGEST_NAME:
        return worded("has %(length)s characters; %(most)s are allowed", length=len(value), most=LONGEST_NAME)
    if fault := fault_in_text(value):
        return fault
    return (
        _problem_of_path(value) if key in _PATHS else _problem_of_name(value) if key in _SPAN_KEYS else None
    )


def _problem_of_path(path: str) -> Worded | None:
    steps = path.split(".")
    if not all(steps):
        return worded(
            "has an empty step: write keys and numbers with one dot between two, as in choices.0.text"
        )
    if len(steps) <= LONGEST_PATH:
        return None
    return worded("has %(count)s steps; %(most)s are allowed", count=len(steps), most=LONGEST_PATH)


def _problem_of_name(name: str) -> Worded | None:
    stars = name.count("*")
    if stars <= MOST_STARS:
        return None
    return worded("has %(count)s stars; %(most)s are allowed", count=stars, most=MOST_STARS)


def _unknown_in(given: Mapping[Any, Any], known: Iterable[str], place: str) -> Iterator[Fault]:
    for name in given:
        if name not in known:
            shown = str(name)[:LONGEST_NAME]
            nearest = nearest_name(shown, known)
            path = f"{place}.{shown}" if place else shown
            yield Fault(
                "body",
                path,
                "unknown_field",
                worded("Unknown field %(name)s; %(hint)s", name=repr(shown), hint=hint_at(nearest)),
                nearest,
            )
