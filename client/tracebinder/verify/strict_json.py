"""JSON read strictly: a document that two parsers could understand differently is refused."""

from __future__ import annotations

import json
from datetime import datetime
from typing import NoReturn, cast

from tracebinder.verify.errors import BinderMalformed

JsonObject = dict[str, object]


def parse_json(data: bytes, *, member: str) -> object:
    """Return the value of a UTF-8 JSON document.

    Raises:
        BinderMalformed: not UTF-8, not JSON, a key given twice, NaN or an infinity, or nested too deep.
    """
    try:
        return json.loads(data.decode(), object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
    except BinderMalformed as exc:
        raise BinderMalformed(exc.detail, member=member) from exc
    except (ValueError, RecursionError) as exc:
        raise BinderMalformed(f"not valid JSON: {exc}", member=member) from exc


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
    """Return a property that is an ISO 8601 time with its zone. Raises `BinderMalformed` otherwise."""
    text = text_at(value, key, member=member)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise BinderMalformed(f"{key!r} is not a time: {text[:40]!r}", member=member) from exc
    if moment.utcoffset() is None:
        raise BinderMalformed(f"{key!r} is a time without a zone: {text[:40]!r}", member=member)
    return moment


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


def _unique_keys(pairs: list[tuple[str, object]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BinderMalformed("a JSON object has the same key twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise BinderMalformed(f"{name} is not JSON")
