"""Take a protobuf export apart by hand, where the library refuses all of it for one bad string.

Only the path from the request down to the items is walked; each resource, scope and item is then parsed
alone, so that one with invalid UTF-8 is refused alone. Wire format: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from evidence.otlp.errors import RejectCode, UndecodableBody
from evidence.otlp.groups import BrokenItem, ItemGroup, MessageT

_VARINT: Final = 0
_FIXED64: Final = 1
LENGTH: Final = 2
_FIXED32: Final = 5


def split_request(body: bytes, item_type: type[MessageT]) -> Iterator[ItemGroup[MessageT]]:
    """Yield the groups of an export request, each item parsed alone.

    Raises:
        UndecodableBody: the bytes are no protobuf export request down to its items.
    """
    for resource_group in _read_parts(body)[1]:
        parts = _read_parts(resource_group)
        for scope_group in parts[2]:
            yield _read_group(parts, _read_parts(scope_group), item_type)


def _read_group(
    resource_parts: dict[int, list[bytes]], scope_parts: dict[int, list[bytes]], item_type: type[MessageT]
) -> ItemGroup[MessageT]:
    raw_items = scope_parts[2]
    try:
        # Repeats of a single field are merged, and parsing them joined is how protobuf defines merging.
        resource = Resource.FromString(b"".join(resource_parts[1]))
        scope = InstrumentationScope.FromString(b"".join(scope_parts[1]))
        resource_schema_url = b"".join(resource_parts[3][-1:]).decode("utf-8")
        scope_schema_url = b"".join(scope_parts[3][-1:]).decode("utf-8")
    except (DecodeError, UnicodeDecodeError):
        detail = "the resource or scope of this item cannot be read, most likely for invalid UTF-8"
        broken = [BrokenItem(RejectCode.MALFORMED_RESOURCE, detail, raw) for raw in raw_items]
        return ItemGroup(Resource(), "", InstrumentationScope(), "", broken)
    items = [_read_item(raw, item_type) for raw in raw_items]
    return ItemGroup(resource, resource_schema_url, scope, scope_schema_url, items)


def _read_item(raw: bytes, item_type: type[MessageT]) -> MessageT | BrokenItem:
    try:
        item: MessageT = item_type.FromString(raw)
    except DecodeError:
        return _break(raw)
    return item


def _break(raw: bytes) -> BrokenItem:
    try:
        _read_parts(raw)
    except UndecodableBody:
        return BrokenItem(RejectCode.MALFORMED_ITEM, "the item's bytes are not protobuf", raw)
    detail = "a text is not valid UTF-8, or values are nested too deep to be read"
    return BrokenItem(RejectCode.UNSTORABLE_TEXT, detail, raw)


class _Parts(dict[int, list[bytes]]):
    """Length-delimited fields by number; a field that is not there is an empty list."""

    def __missing__(self, number: int) -> list[bytes]:
        return []


def _read_parts(data: bytes) -> _Parts:
    """Return the length-delimited fields of a message; others are walked over.

    Raises:
        UndecodableBody: a field is cut short or of a kind protobuf does not have.
    """
    parts = _Parts()
    for number, kind, _, content in read_fields(data):
        if kind == LENGTH:
            parts.setdefault(number, []).append(content)
    return parts


def read_fields(data: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Yield each field of a message: its number, its kind, all its bytes, and the content of those.

    Raises:
        UndecodableBody: a field is cut short or of a kind protobuf does not have.
    """
    at = 0
    while at < len(data):
        begin = at
        key, at = _read_varint(data, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise UndecodableBody("a protobuf field has the number 0")
        if kind == _VARINT:
            content = at
            _, at = _read_varint(data, at)
            yield number, kind, data[begin:at], data[content:at]
            continue
        if kind == LENGTH:
            size, at = _read_varint(data, at)
        elif kind in {_FIXED64, _FIXED32}:
            size = 8 if kind == _FIXED64 else 4
        else:
            raise UndecodableBody(f"a protobuf field has the unknown kind {kind}")
        if at + size > len(data):
            raise UndecodableBody("the protobuf body was cut short")
        yield number, kind, data[begin : at + size], data[at : at + size]
        at += size


def write_varint(value: int) -> bytes:
    """Return a number in base 128."""
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Return one base-128 number of at most ten bytes and the place after it."""
    value = 0
    for place in range(10):
        if at + place >= len(data):
            raise UndecodableBody("the protobuf body was cut short")
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise UndecodableBody("a protobuf number is longer than ten bytes")
