"""The one form of a JSON value that is digested: RFC 8785, written here once more so that no code is the server's."""

from __future__ import annotations

from decimal import Decimal
from json.encoder import encode_basestring
from math import isfinite
from typing import Final

_FIRST_INEXACT: Final = 2**53  # integers from here on are not the same number to every reader
_WORDS: Final = {None: "null", True: "true", False: "false"}
_MOST_DIGITS: Final = 21  # ECMA-262, Number::toString: more before the point are written with an exponent
_LEAST_EXPONENT: Final = -6  # and so is what has more zeros after it


class NoCanonicalForm(ValueError):
    """A number that readers of JSON would round, or what JSON does not have."""


def canonical_json(value: object) -> bytes:
    """Return the RFC 8785 bytes of a JSON value as `json` reads it.

    Raises:
        NoCanonicalForm: an integer of 2^53 or more, which binders carry as text, or half of a surrogate pair.
        RecursionError: it is nested too deep.
    """
    try:
        return _write(value).encode()
    except UnicodeEncodeError as exc:
        raise NoCanonicalForm("half of a surrogate pair is no character") from exc


def _write(value: object) -> str:
    match value:
        case None | bool():
            return _WORDS[value]
        case str():
            return encode_basestring(value)
        case int():
            if abs(value) >= _FIRST_INEXACT:
                raise NoCanonicalForm(f"{value} is a number that JSON readers round")
            return str(value)
        case float():
            return _write_float(value)
        case list():
            return f"[{','.join(map(_write, value))}]"
        case dict():
            members = sorted(value.items(), key=lambda member: _utf16(member[0]))
            return f"{{{','.join(f'{encode_basestring(key)}:{_write(item)}' for key, item in members)}}}"
        case _:
            raise NoCanonicalForm(f"{type(value).__name__} is not JSON")


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


def _write_float(number: float) -> str:
    """Write a double as ECMA-262 does: the fewest digits that lead back to it."""
    if not isfinite(number):
        raise NoCanonicalForm(f"{number} is not JSON")
    if number == 0:
        return "0"
    parts = Decimal(repr(abs(number))).normalize().as_tuple()
    digits = "".join(map(str, parts.digits))
    point = len(digits) + int(parts.exponent)  # how many digits stand before the point
    sign = "-" if number < 0 else ""
    if len(digits) <= point <= _MOST_DIGITS:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= _MOST_DIGITS:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if _LEAST_EXPONENT < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"
