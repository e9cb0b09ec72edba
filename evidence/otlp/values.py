"""OTLP attribute values as JSON that PostgreSQL can store, losing nothing.

| OTLP | JSON |
|---|---|
| string, bool, int, finite double, array, kvlist | string, boolean, number, number, array, object |
| no value | null |
| NaN and the infinities | "NaN", "Infinity", "-Infinity" |
| bytes | {"tracebinder.bytes": base64} |
| a key given twice | the first value; the others under "tracebinder.repeated": {key: [values]} |
| a value above the limit | {"tracebinder.blob": digest, "bytes": n, "media_type": ...} |
| U+0000, a lone surrogate | escaped, and said so under "tracebinder.escaped" (`evidence.otlp.escapes`) |

The keys of these objects are ours: an item in which a sender uses one is refused, so that what stands in a row under
such a key was put there by us.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from typing import Final

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from evidence.erased import ERASED_KEY
from evidence.otlp.errors import ItemRefused, RejectCode
from evidence.otlp.escapes import ESCAPED_KEY
from evidence.otlp.limits import Limits
from evidence.otlp.records import AttributeBlob

BLOB_KEY: Final = "tracebinder.blob"
BYTES_KEY: Final = "tracebinder.bytes"
REPEATED_KEY: Final = "tracebinder.repeated"
VERSION_KEY: Final = "tracebinder.version_of"  # of these three: evidence.otlp.companions
LOG_EVENT_KEY: Final = "tracebinder.log_event"
LOG_BODY_KEY: Final = "tracebinder.log_body"
RESERVED_KEYS: Final = frozenset(
    {
        BLOB_KEY, BYTES_KEY, REPEATED_KEY, ERASED_KEY, ESCAPED_KEY, VERSION_KEY, LOG_EVENT_KEY, LOG_BODY_KEY,
    }
)  # fmt: skip
_NAMED_BLOB: Final = re.compile(r"sha256:([0-9a-f]{64})")
_PLAIN_KINDS: Final = frozenset({"string_value", "int_value", "bool_value"})  # the same in JSON


def read_attributes(attributes: Sequence[KeyValue], limits: Limits) -> dict[str, object]:
    """Return OTLP attributes as a JSON object.

    Raises:
        ItemRefused: too many attributes, a value nested too deep, or a key that is ours.
    """
    found: dict[str, object] = {}
    for pair in attributes:
        value = pair.value
        # Texts that are not empty and numbers but zero are the commonest; asking for the oneof costs more.
        found[pair.key] = value.string_value or value.int_value or read_value(value, limits, 0)
    if len(found) != len(attributes):
        found = _read_map(attributes, limits, 0)
    else:
        _check_keys(found)
    if len(found) > limits.span_attributes:
        raise ItemRefused(
            RejectCode.TOO_MANY_ATTRIBUTES,
            f"{len(attributes)} attributes in one place, the limit is {limits.span_attributes}",
        )
    return found


def dump_json(value: object) -> bytes:
    """Return compact UTF-8 JSON of a value made by this module."""
    return orjson.dumps(value)


def escape_unstorable(value: object) -> object:
    """Return a JSON value with each NUL and each lone surrogate written out as `\\uXXXX`."""
    match value:
        case str():
            return value.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode("utf-8")
        case list():
            return [escape_unstorable(member) for member in value]
        case dict():
            return {str(escape_unstorable(key)): escape_unstorable(member) for key, member in value.items()}
        case _:
            return value


def move_large_values(
    attributes: dict[str, object], *, limits: Limits, place: str, blobs: list[AttributeBlob]
) -> dict[str, object]:
    """Return the attributes with each value above `limits.attribute_bytes` replaced by its blob's marker."""
    return {key: _move_large(key, value, limits, place, blobs) for key, value in attributes.items()}


def blob_marker(blob: AttributeBlob) -> dict[str, object]:
    """Return what stands in a row for a value that was moved to a blob."""
    return {BLOB_KEY: f"sha256:{blob.digest}", "bytes": len(blob.data), "media_type": blob.media_type}


def find_moved(value: object) -> Iterator[str]:
    """Yield the digests that a stored JSON value names as those of moved values. Whether they are, its request knows.

    Of a refused item that was cut, the text that is left of it is looked through.
    """
    match value:
        case dict():
            if isinstance(named := value.get(BLOB_KEY), str) and (found := _NAMED_BLOB.fullmatch(named)):
                yield found[1]
            elif isinstance(text := value.get("json"), str) and "cut_at_bytes" in value:
                yield from _NAMED_BLOB.findall(text)
            for member in value.values():
                yield from find_moved(member)
        case list() | tuple():
            for member in value:
                yield from find_moved(member)


def _check_keys(found: dict[str, object]) -> None:
    """Refuse a map in which a sender uses a key of ours: nobody could tell it from what we put there."""
    if not found.keys().isdisjoint(RESERVED_KEYS):
        key = min(RESERVED_KEYS & found.keys())
        raise ItemRefused(
            RejectCode.RESERVED_KEY, f"the key {key!r} is this server's own mark: send it under another name"
        )


def read_value(value: AnyValue, limits: Limits, depth: int) -> object:
    """Return one OTLP value as JSON, `depth` arrays or maps down.

    Raises:
        ItemRefused: nested too deep, or with a key that is ours.
    """
    kind = value.WhichOneof("value")
    if kind in _PLAIN_KINDS:
        return getattr(value, kind)
    if depth >= limits.nesting_levels:
        raise ItemRefused(
            RejectCode.NESTING_TOO_DEEP, f"a value is nested more than {limits.nesting_levels} levels deep"
        )
    match kind:
        case None:
            return None
        case "double_value":
            return _read_double(value.double_value)
        case "array_value":
            return [read_value(member, limits, depth + 1) for member in value.array_value.values]
        case "kvlist_value":
            return _read_map(value.kvlist_value.values, limits, depth + 1)
        case "bytes_value":
            return {BYTES_KEY: base64.b64encode(value.bytes_value).decode("ascii")}
    raise ItemRefused(RejectCode.MALFORMED_ITEM, f"an attribute value of kind {kind} is not taken here")


def _read_double(number: float) -> float | str:
    """Return a double, or its name in protobuf's JSON mapping where JSON has none."""
    if math.isfinite(number):
        return number
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def _read_map(pairs: Sequence[KeyValue], limits: Limits, depth: int) -> dict[str, object]:
    found: dict[str, object] = {}
    repeated: dict[str, list[object]] = {}
    for pair in pairs:
        value = read_value(pair.value, limits, depth)
        if pair.key in found:
            repeated.setdefault(pair.key, []).append(value)
        else:
            found[pair.key] = value
    _check_keys(found)
    if repeated:
        found[REPEATED_KEY] = repeated
    return found


def _move_large(key: str, value: object, limits: Limits, place: str, blobs: list[AttributeBlob]) -> object:
    if isinstance(value, str):
        data, media_type = value.encode("utf-8"), "text/plain; charset=utf-8"
    else:
        data, media_type = orjson.dumps(value), "application/json"
    if len(data) <= limits.attribute_bytes:
        return value
    blob = AttributeBlob(
        hashlib.sha256(data).hexdigest(), data, media_type, f"{place}, attribute {key[:120]!r}"
    )
    blobs.append(blob)
    return blob_marker(blob)
