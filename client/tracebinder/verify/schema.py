"""The part of JSON Schema 2020-12 that a binder's schemas use. Another keyword is refused, not ignored."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, cast

from tracebinder.verify.errors import BinderFailed, BinderMalformed, BinderUnverifiable
from tracebinder.verify.strict_json import JsonObject, same_json

# Patterns of these parts alone, which every library of regular expressions reads alike.
_TIMES: Final = r"(?:[?*+]|\{[0-9]{1,4}(?:,[0-9]{0,4})?\})?"
_PIECE: Final = rf"(?:\[\^?[A-Za-z0-9+/:.=_ -]+\]|[A-Za-z0-9:=/_ -]){_TIMES}"
_PATTERN: Final = re.compile(rf"\^?(?:{_PIECE}|\((?:{_PIECE}|\|)*\){_TIMES})*\$?")
# Nor may trying one go on and on: with two endless parts, or a repeated group, backtracking might not end.
_CLASS: Final = re.compile(r"\[\^?[^\]]*\]")
_ENDLESS: Final = re.compile(r"[*+]|\{[0-9]+,\}")
_RANGED: Final = re.compile(r"\?|\{[0-9]+,[0-9]+\}")
_LONGEST_PATTERN: Final = 200  # characters
_COUNT: Final = re.compile(r"\{([0-9]+)")
_MOST_RANGED, _WIDEST_RANGE, _LARGEST_COUNT = 2, 9, 99
_ANNOTATIONS: Final = frozenset({"$schema", "$id", "title", "description", "$comment", "format"})


def check_schema(value: object, schema: object, *, member: str, at: str = "") -> None:
    """Check a JSON value.

    Args:
        at: JSON pointer of the value in its document, for the message.

    Raises:
        BinderFailed: the value is not as the schema demands.
        BinderUnverifiable: the schema uses a keyword that is not known here.
        BinderMalformed: the schema is none.
    """
    if isinstance(schema, bool):
        if not schema:
            raise BinderFailed(f"{at or '/'} may not be there", member=member)
        return
    if not isinstance(schema, dict):
        raise BinderMalformed("a schema is an object or a boolean", member=member)
    for keyword, rule in cast("JsonObject", schema).items():
        if keyword in _ANNOTATIONS:
            continue
        check = _KEYWORDS.get(keyword)
        if check is None:
            raise BinderUnverifiable(f"schema keyword {keyword!r} is not known", member=member)
        check(value, rule, cast("JsonObject", schema), _Place(member, at))


class _Place:
    """Where in which file, and the two ways to complain about it."""

    def __init__(self, member: str, at: str) -> None:
        self.member = member
        self.at = at

    def below(self, key: str | int) -> str:
        return f"{self.at}/{key}"

    def fail(self, why: str) -> BinderFailed:
        return BinderFailed(f"{self.at or '/'} {why}", member=self.member)

    def bad_schema(self, keyword: str) -> BinderMalformed:
        return BinderMalformed(f"its schema's {keyword!r} is not as the standard says", member=self.member)


Check = Callable[[object, object, JsonObject, _Place], None]


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_TYPES: Final[dict[str, Callable[[object], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: _is_whole(value) or (isinstance(value, float) and value.is_integer()),
    "number": lambda value: _is_whole(value) or isinstance(value, float),
}


def _check_type(value: object, rule: object, _: JsonObject, place: _Place) -> None:
    named = rule if isinstance(rule, list) else [rule]
    kinds = [kind for kind in named if isinstance(kind, str) and kind in _TYPES]
    if not kinds or len(kinds) != len(named):
        raise place.bad_schema("type")
    if not any(_TYPES[kind](value) for kind in kinds):
        raise place.fail(f"is not of type {' or '.join(kinds)}")


def _check_enum(value: object, rule: object, _: JsonObject, place: _Place) -> None:
    if not isinstance(rule, list):
        raise place.bad_schema("enum")
    if not any(same_json(value, item) for item in rule):
        raise place.fail(f"is none of {rule!r}")


def _check_required(value: object, rule: object, _: JsonObject, place: _Place) -> None:
    if not isinstance(rule, list) or not all(isinstance(key, str) for key in rule):
        raise place.bad_schema("required")
    for key in rule:
        if isinstance(value, dict) and key not in value:
            raise place.fail(f"has no {key!r}")


def _check_properties(value: object, rule: object, _: JsonObject, place: _Place) -> None:
    if not isinstance(rule, dict):
        raise place.bad_schema("properties")
    for key, schema in rule.items():
        if isinstance(value, dict) and key in value:
            check_schema(value[key], schema, member=place.member, at=place.below(key))


def _check_additional(value: object, rule: object, schema: JsonObject, place: _Place) -> None:
    known = schema.get("properties", {})
    if not isinstance(known, dict):
        raise place.bad_schema("properties")
    for key, item in value.items() if isinstance(value, dict) else ():
        if key not in known:
            check_schema(item, rule, member=place.member, at=place.below(key))


def _check_items(value: object, rule: object, _: JsonObject, place: _Place) -> None:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        check_schema(item, rule, member=place.member, at=place.below(index))


def _check_minimum(value: object, rule: object, _: JsonObject, place: _Place) -> None:
    if not isinstance(rule, int | float) or isinstance(rule, bool):
        raise place.bad_schema("minimum")
    if isinstance(value, int | float) and not isinstance(value, bool) and value < rule:
        raise place.fail(f"is below {rule}")


def _check_pattern(value: object, rule: object, _: JsonObject, place: _Place) -> None:
    if not isinstance(rule, str) or not _is_quick(rule) or not _PATTERN.fullmatch(rule):
        raise place.bad_schema("pattern")
    ending = f"{rule[:-1]}\\Z" if rule.endswith("$") else rule  # before a last line feed is not the end
    try:
        matches = re.search(ending, value) if isinstance(value, str) else True
    except re.error as exc:
        raise place.bad_schema("pattern") from exc
    if not matches:
        raise place.fail(f"does not match {rule}")


def _is_quick(pattern: str) -> bool:
    """Say whether a pattern is tried in time that grows with the text alone, whatever the text."""
    if len(pattern) > _LONGEST_PATTERN:
        return False
    parts = _CLASS.sub("x", pattern)  # what stands in a class repeats nothing
    endless, ranged = _ENDLESS.findall(parts), _RANGED.findall(parts)
    widest = max((int(one.rpartition(",")[2].rstrip("}")) for one in ranged if one != "?"), default=0)
    largest = max(map(int, _COUNT.findall(parts)), default=0)
    is_small = len(endless) <= 1 and len(ranged) <= _MOST_RANGED and widest <= _WIDEST_RANGE
    is_repeated = re.search(r"\)[?*+{]", parts) is not None
    return (
        is_small
        and largest <= _LARGEST_COUNT
        and not is_repeated
        and parts.count("(") <= 1
        and (parts.startswith("^") or not re.search(r"[?*+{]", parts))
    )


_KEYWORDS: Final[dict[str, Check]] = {
    "type": _check_type,
    "enum": _check_enum,
    "required": _check_required,
    "properties": _check_properties,
    "additionalProperties": _check_additional,
    "items": _check_items,
    "minimum": _check_minimum,
    "pattern": _check_pattern,
}
