"""Digests and canonical bytes. Django-free: the offline verifier's tests use the same functions.

Every digest in the project is SHA-256, written as 64 lower-case hexadecimal characters. Every digest *of a
structure* is taken over its RFC 8785 canonical JSON, so that another program in another language gets the same.
"""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from typing import Final

import orjson
import rfc8785

DIGEST_PREFIX: Final = "sha256:"
_HEX_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_FIRST_INEXACT: Final = 2**53  # integers from here on are not the same number to every reader
_FIRST_THAT_SORTS_OTHERWISE: Final = "\ue000"


class DigestError(ValueError):
    """A value that cannot be digested, or a text that is no SHA-256 digest."""


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 lower-case hexadecimal characters."""
    return hashlib.sha256(data).hexdigest()


def canonical_json(value: object) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    Raises:
        DigestError: NaN, an infinity, an integer of 2^53 or more, or a type JSON does not have. Carry such
            numbers as strings.
    """
    try:
        written = write_alike(value)
    except (orjson.JSONEncodeError, RecursionError):
        written = None
    written = written or write_at_once(value)
    if written is not None:
        return written
    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]  # rfc8785 types JSON recursively, object does not
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as exc:
        raise DigestError(f"no canonical JSON for this value: {exc}") from exc


def write_at_once(value: object) -> bytes | None:
    """Return what `canonical_json` does, for a value that takes no care: None for any other.

    No number in it is beyond 2^53, where an integer and a double of the same value are written differently.
    """
    try:
        return orjson.dumps(_as_both_write_it(value), option=orjson.OPT_SORT_KEYS)
    except (_Differs, orjson.JSONEncodeError, RecursionError):
        return None


def write_alike(value: object) -> bytes | None:
    """Return what `write_at_once` does, for a value that orjson writes so as it stands: None for any other.

    It is also what may be stored of the value: no number in it is written as one of another kind.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS) if _is_written_alike(value) else None


def _is_written_alike(value: object) -> bool:
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is dict:
        for key, member in value.items():  # type: ignore[attr-defined]  # it is a dict
            if (
                type(key) is not str
                or not key.isascii()
                or not (type(member) is str or _is_written_alike(member))
            ):
                return False
        return True
    if kind is list:
        return all(map(_is_written_alike, value))  # type: ignore[call-overload]  # it is a list
    if kind is int:
        return abs(value) < _FIRST_INEXACT  # type: ignore[arg-type]  # it is an int
    return kind is float and 1e-4 <= abs(value) < 1e15 and not value.is_integer()  # type: ignore[arg-type, attr-defined]  # it is a float


class _Differs(Exception):  # no error: the slow road is taken
    """orjson may write this value in other bytes than RFC 8785 asks for."""


def _as_both_write_it(value: object) -> object:
    """Return a value that orjson, sorting keys, writes in the bytes of RFC 8785 for the value given.

    orjson is twenty times as fast. They differ in three things: numbers that ECMAScript writes in other digits, keys
    beyond U+D7FF, which RFC 8785 sorts by UTF-16 and orjson by UTF-8, and what JSON does not have.

    Raises:
        _Differs: there is no such value.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is dict:
        for key in value:  # type: ignore[attr-defined]  # it is a dict
            if type(key) is not str or not (key.isascii() or max(key) < _FIRST_THAT_SORTS_OTHERWISE):
                raise _Differs
        return {
            key: member if type(member) is str else _as_both_write_it(member)
            for key, member in value.items()  # type: ignore[attr-defined]  # it is a dict
        }
    if kind is list or kind is tuple:
        return [member if type(member) is str else _as_both_write_it(member) for member in value]  # type: ignore[attr-defined]  # it is a list
    if kind is int and abs(value) < _FIRST_INEXACT:  # type: ignore[arg-type]  # it is an int
        return value
    if kind is float:
        return _float_as_both_write_it(value)  # type: ignore[arg-type]  # it is a float
    raise _Differs


def _float_as_both_write_it(number: float) -> float | int | orjson.Fragment:
    """ECMAScript writes 1.0 as 1, and takes exponents from 1e21 on and below 1e-6; orjson, already below 1e-5."""
    if number.is_integer() and abs(number) < _FIRST_INEXACT:
        return int(number)
    if 1e-4 <= abs(number) < 1e15:
        return number
    if abs(number) < 1e-4:
        return orjson.Fragment(rfc8785.dumps(number))
    raise _Differs


def large_number_as_text(value: object) -> object:
    """Return a number of 2^53 or more as the text of its digits, anything else as it is.

    JSON readers round such integers, and PostgreSQL gives a double back as the integer it was written as.
    """
    match value:
        case int() if abs(value) >= _FIRST_INEXACT:
            return str(value)
        case float() if value.is_integer() and abs(value) >= _FIRST_INEXACT:
            return format(Decimal(repr(value)).to_integral_value(), "f")
        case _:
            return value


def digest_of(value: object) -> str:
    """Return the SHA-256 of a JSON value's canonical bytes. Raises `DigestError` as `canonical_json` does."""
    return sha256_hex(canonical_json(value))


def parse_digest(text: str) -> str:
    """Return the 64 hexadecimal characters of a digest given with or without the `sha256:` prefix.

    Raises:
        DigestError: the text is not a SHA-256 digest.
    """
    candidate = text.strip().lower().removeprefix(DIGEST_PREFIX)
    if not _HEX_DIGEST.fullmatch(candidate):
        raise DigestError(f"not a SHA-256 digest (64 hexadecimal characters): {text[:80]!r}")
    return candidate
