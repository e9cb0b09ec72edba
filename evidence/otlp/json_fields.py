"""Reading one field of an OTLP/JSON object.

A field that is absent or null has its type's default. Every function here refuses the item (`ItemRefused`, naming
the field) where the value is of another kind.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Final, TypeVar

from evidence.otlp.errors import ItemRefused, RejectCode

HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_BASE64_SIZES: Final = {16: (22, 24), 8: (11, 12)}  # characters of base64 for so many bytes, bare and padded
_URL_SAFE: Final = {ord("-"): "+", ord("_"): "/"}
_INTEGER: Final = re.compile(r"-?[0-9]{1,20}")
_KIND_NAMES: Final[dict[type, str]] = {bool: "a boolean", dict: "an object", list: "an array", str: "a text"}

Fields = dict[str, object]
ValueT = TypeVar("ValueT")


def read_objects(raw: Fields, name: str) -> list[Fields]:
    """Return an array of objects."""
    members = read_list(raw, name)
    if not all(isinstance(member, dict) for member in members):
        raise ItemRefused(RejectCode.MALFORMED_ITEM, f"{name} holds something that is not an object")
    return members  # type: ignore[return-value]  # each member was just checked


def read_list(raw: Fields, name: str) -> list[object]:
    """Return an array."""
    value = raw.get(name)
    return [] if value is None else expect(value, list, name)


def read_object(raw: Fields, name: str) -> Fields:
    """Return an object."""
    value = raw.get(name)
    return {} if value is None else expect(value, dict, name)


def read_text(raw: Fields, name: str) -> str:
    """Return a text, which may hold lone surrogates."""
    value = raw.get(name)
    return "" if value is None else expect(value, str, name)


def read_integer(raw: Fields, name: str) -> int:
    """Return an integer given as a number, a whole float or text."""
    match raw.get(name):
        case None:
            return 0
        case bool():
            pass
        case int() as value:
            return value
        case float() as value if value.is_integer():
            return int(value)
        case str() as text if _INTEGER.fullmatch(text):
            return int(text)
    raise ItemRefused(RejectCode.MALFORMED_ITEM, f"{name} is not an integer")


def read_flag(raw: Fields, name: str) -> bool:
    """Return a boolean that is there."""
    return expect(raw[name], bool, name)


def read_double(raw: Fields, name: str) -> float:
    """Return a double given as a number or as text, `NaN` and the infinities included."""
    value = raw[name]
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass  # refused below, as any other text
    raise ItemRefused(RejectCode.MALFORMED_ITEM, f"{name} is not a number")


def read_base64(raw: Fields, name: str) -> bytes:
    """Return the bytes of base64 in either alphabet, padded or not, as protobuf's JSON mapping allows."""
    text = expect(raw[name], str, name).translate(_URL_SAFE)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as exc:
        raise ItemRefused(RejectCode.MALFORMED_ITEM, f"{name} is not base64") from exc


def read_enum(raw: Fields, name: str, enum: object) -> int:
    """Return an enum's number, given as that or by its name."""
    value = raw.get(name)
    if isinstance(value, str):
        try:
            return int(enum.Value(value))  # type: ignore[attr-defined]  # a protobuf EnumTypeWrapper
        except ValueError as exc:
            raise ItemRefused(
                RejectCode.MALFORMED_ITEM, f"{name} has the unknown value {value[:60]}"
            ) from exc
    return read_integer(raw, name)


def read_id(raw: Fields, name: str, size: int) -> bytes:
    """Return the bytes of a hexadecimal id; its length is judged later, where protobuf's is."""
    text = read_text(raw, name)
    code = RejectCode.INVALID_TRACE_ID if size == 16 else RejectCode.INVALID_SPAN_ID
    if len(text) in _BASE64_SIZES[size] and len(text) != 2 * size:
        raise ItemRefused(
            code, f"{name} looks like base64; in OTLP/JSON it is {2 * size} hexadecimal characters"
        )
    if not HEX.fullmatch(text):
        raise ItemRefused(code, f"{name} is not hexadecimal: it must be {2 * size} hexadecimal characters")
    return bytes.fromhex(text)


def expect(value: object, kind: type[ValueT], name: str) -> ValueT:
    """Return the value if it is of this kind."""
    if not isinstance(value, kind):
        raise ItemRefused(RejectCode.MALFORMED_ITEM, f"{name} is not {_KIND_NAMES[kind]}")
    return value


SCALARS: Final[dict[str, tuple[str, Callable[[Fields, str], object]]]] = {
    "stringValue": ("string_value", read_text),
    "boolValue": ("bool_value", read_flag),
    "intValue": ("int_value", read_integer),
    "doubleValue": ("double_value", read_double),
    "bytesValue": ("bytes_value", read_base64),
}
