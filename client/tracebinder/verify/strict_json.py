"""JSON read strictly: a document that two parsers could understand differently is refused."""

from __future__ import annotations

import json
import re
from datetime import datetime
from math import isfinite
from typing import Final, NoReturn, cast

from tracebinder.verify.errors import BinderMalformed

JsonObject = dict[str, object]

_DEEPEST: Final = 256  # objects and arrays inside one another; every reader of JSON has some limit
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
# RFC 3339 with a capital T and Z, to the microsecond: what no two libraries read differently.
_TIME: Final = re.compile(
    r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)


def parse_json(data: bytes, *, member: str) -> object:
    """Return the value of a UTF-8 JSON document.

    Raises:
        BinderMalformed: not UTF-8, not JSON, a key given twice, a number that is NaN, infinite or too large for a
            double, half of a surrogate pair, or nested too deep.
    """
    try:
        value: object = _DECODER.decode(data.decode())
        if _SURROGATE.search(data):
            json.dumps(value, ensure_ascii=False).encode()
    except BinderMalformed as exc:
        raise BinderMalformed(exc.detail, member=member) from exc
    except (ValueError, RecursionError) as exc:
        raise BinderMalformed(f"not valid JSON: {exc}", member=member) from exc
    if data.count(b"[") + data.count(b"{") > _DEEPEST:
        _check_depth(value, member=member)
    return value


def parse_object(data: bytes, *, member: str) -> JsonObject:
    """Return the object of a JSON document. Raises as `parse_json`, and when the value is no object."""
    value = parse_json(data, member=member)
    if not isinstance(value, dict):
        raise BinderMalformed("not a JSON object", member=member)
    return cast("JsonObject", value)


def text_at(value: JsonObject, key: str, *, member: str) -> str:
    """Return a string property. Raises `BinderMalformed` when it is missing or no string."""
    found = value.get(key)
    if not isinstance(found, str):
        raise BinderMalformed(f"{key!r} must be a string", member=member)
    return found


def time_at(value: JsonObject, key: str, *, member: str) -> datetime:
    """Return a property that is an RFC 3339 time of the years 1000 to 2999. Raises `BinderMalformed` otherwise."""
    text = text_at(value, key, member=member)
    if not _TIME.fullmatch(text):
        raise BinderMalformed(f"{key!r} is not a time with its zone: {text[:40]!r}", member=member)
    try:
        return datetime.fromisoformat(text)
    except ValueError as exc:
        raise BinderMalformed(f"{key!r} is no day of the calendar: {text[:40]!r}", member=member) from exc


def whole_at(value: JsonObject, key: str, *, member: str) -> int:
    """Return a property that is an integer of 0 or more. Raises `BinderMalformed` otherwise."""
    found = value.get(key)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise BinderMalformed(f"{key!r} must be a whole number, 0 or more", member=member)
    return found


def object_at(value: JsonObject, key: str, *, member: str) -> JsonObject:
    """Return a property that is an object. Raises `BinderMalformed` otherwise."""
    found = value.get(key)
    if not isinstance(found, dict):
        raise BinderMalformed(f"{key!r} must be an object", member=member)
    return cast("JsonObject", found)


def objects_at(value: JsonObject, key: str, *, member: str) -> list[JsonObject]:
    """Return a property that is a list of objects. Raises `BinderMalformed` otherwise."""
    found = value.get(key)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise BinderMalformed(f"{key!r} must be a list of objects", member=member)
    return cast("list[JsonObject]", found)


def texts_at(value: JsonObject, key: str, *, member: str) -> list[str]:
    """Return a property that is a list of strings. Raises `BinderMalformed` otherwise."""
    found = value.get(key)
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise BinderMalformed(f"{key!r} must be a list of strings", member=member)
    return cast("list[str]", found)


def same_json(one: object, other: object) -> bool:
    """Say whether two values are the same in JSON: 1 and 1.0 are, 1 and true are not, which are equal in Python."""
    match one, other:
        case list(), list():
            return len(one) == len(other) and all(map(same_json, one, other))
        case dict(), dict():
            return one.keys() == other.keys() and all(same_json(one[key], other[key]) for key in one)
        case _:
            return isinstance(one, bool) == isinstance(other, bool) and one == other


def _check_depth(value: object, *, member: str) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [child for parent in level for child in _children(parent) if isinstance(child, dict | list)]
        if not level:
            return
    raise BinderMalformed(f"not valid JSON: nested more than {_DEEPEST} deep", member=member)


def _children(value: object) -> list[object]:
    """Return what stands in an object or array."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise BinderMalformed(f"not valid JSON: {text[:40]} is too large for a double")
    return number


def _unique_keys(pairs: list[tuple[str, object]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BinderMalformed("a JSON object has the same key twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise BinderMalformed(f"{name} is not JSON")


# Made once: to make one for each line of a binder takes longer than many a line.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique_keys, parse_constant=_refuse_constant, parse_float=_finite
)
