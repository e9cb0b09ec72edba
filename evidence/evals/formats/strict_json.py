"""JSON read without the leniencies that lose or bend evidence.

Python's reader accepts NaN, keeps the last of two equal keys, and lets through characters PostgreSQL cannot
store. Here such a value survives parsing, so that one bad sample does not sink its file, and `fault_in` finds
it.
"""

from __future__ import annotations

import json

MAX_DEPTH = 60  # levels of nesting inside one value


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


def fault_in(value: object, place: str = "", depth: int = 0) -> str | None:
    """Return what is wrong with a value anywhere inside it, with its place, or None when it can be stored."""
    if depth > MAX_DEPTH:
        return f"{place[:200]}: nested more than {MAX_DEPTH} levels deep"
    if isinstance(value, _NotANumber):
        return f"{place or 'value'}: {value} is not a JSON number"
    if isinstance(value, str):
        return _fault_in_text(value, place)
    if isinstance(value, _RepeatedKeys):
        return f"{place or 'object'}: the key {value.repeated!r} appears twice"
    return _fault_in_children(value, place, depth + 1)


def _fault_in_children(value: object, place: str, depth: int) -> str | None:
    children: list[tuple[str, object]] = []
    if isinstance(value, dict):
        children = [(f"{place}.{key}".lstrip("."), child) for key, child in value.items()]
    elif isinstance(value, list):
        children = [(f"{place}[{index}]", child) for index, child in enumerate(value)]
    for child_place, child in children:
        # A key's own characters are part of its place.
        fault = _fault_in_text(child_place, "key") or fault_in(child, child_place, depth)
        if fault:
            return fault
    return None


def _fault_in_text(text: str, place: str) -> str | None:
    if "\x00" in text:
        return f"{place or 'text'}: holds a NUL character, which cannot be stored"
    if any("\ud800" <= char <= "\udfff" for char in text):
        return f"{place or 'text'}: holds half of a surrogate pair, which is not a character"
    return None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
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
