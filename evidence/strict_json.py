"""JSON read without the leniencies that lose or bend evidence.

Python's reader accepts NaN, keeps the last of two equal keys, and lets through characters PostgreSQL cannot store.
Here such a value survives parsing, so that one bad sample does not sink its file, and `faults_in` finds it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from evidence.worded import Worded, worded

JsonObject = dict[str, object]
Path = tuple[str | int, ...]  # keys and indexes from the outermost value inwards

MAX_DEPTH: Final = 60  # levels of nesting inside one value

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class _RepeatedKeys(dict[str, object]):
    """An object whose text had the same key twice; only the last value is left in it."""

    repeated: str = ""


class _NotANumber(str):
    """NaN, Infinity or -Infinity, which JSON does not have, as the text it was."""

    __slots__ = ()


def read_json(raw: bytes) -> object:
    """Return the value of a UTF-8 JSON text.

    Raises:
        ValueError: not UTF-8, not JSON, nested too deeply, or an integer of more digits than Python reads.
    """
    try:
        return json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_NotANumber)
    except UnicodeDecodeError as exc:
        raise ValueError(f"not UTF-8: byte {exc.start} cannot be decoded") from exc
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc


def faults_in(value: object) -> Iterator[Worded]:
    """Yield what keeps a value from being stored, anywhere inside it, each with its place."""
    for path, what in _faults(value, 0):
        yield worded("%(path)s: %(fault)s", path=place_of(path) or worded("value"), fault=what)


def place_of(path: Path) -> str:
    """Return a path as people read it, e.g. `samples[3].scores.grounded`; what lies too deep is cut off."""
    shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return shown.lstrip(".")[:200]


def _faults(value: object, depth: int) -> Iterator[tuple[Path, Worded]]:
    if isinstance(value, str):
        if what := fault_in_text(value):
            yield (), what
        return
    children = _children(value)
    if children and depth >= MAX_DEPTH:
        yield (), worded("nested more than %(most)s levels deep", most=MAX_DEPTH)
        return
    if isinstance(value, _RepeatedKeys):
        yield (), worded("the key %(key)s appears twice", key=repr(value.repeated))
    for step, child in children:
        if isinstance(step, str) and (what := fault_in_text(step)):
            yield ("key",), what  # a key's own characters would be part of its place
        elif isinstance(child, str | dict | list):
            for path, what in _faults(child, depth + 1):
                yield (step, *path), what


def _children(value: object) -> list[tuple[str | int, object]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def fault_in_text(text: str) -> Worded | None:
    """Return why a text cannot be stored, as the end of a sentence that begins with its place; None where it can."""
    if isinstance(text, _NotANumber):
        return worded("%(given)s is not a JSON number", given=str(text))
    found = _UNSTORABLE.search(text)
    if found is None:
        return None
    if found.group() == "\x00":
        return worded("holds a NUL character, which cannot be stored")
    return worded("holds half of a surrogate pair, which is not a character")


def _object(pairs: list[tuple[str, object]]) -> JsonObject:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    seen: set[str] = set()
    marked = _RepeatedKeys(value)
    for key, _ in pairs:
        if key in seen:
            marked.repeated = key
            break
        seen.add(key)
    return marked
