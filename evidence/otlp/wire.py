"""Take a protobuf export apart by hand, where the library refuses all of it for one bad string.

Only the path from the request down to the items is walked; each resource, scope and item is then parsed alone, and
mended where a text of it is not UTF-8 (`evidence.otlp.escapes`). Wire format: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from evidence.otlp.errors import RejectCode, UndecodableBody
from evidence.otlp.escapes import StandIn
from evidence.otlp.groups import BrokenItem, ItemGroup, MessageT

_VARINT: Final = 0
_FIXED64: Final = 1
LENGTH: Final = 2
_FIXED32: Final = 5
_DEEPEST: Final = 100  # messages within each other, which is as deep as protobuf's own reader goes


def split_request(body: bytes, item_type: type[MessageT]) -> Iterator[ItemGroup[MessageT]]:
    """Yield the groups of an export request, each item parsed alone.

    Raises:
        UndecodableBody: the bytes are no protobuf export request down to its items.
    """
    groups = _read_parts(body)[1]
    if not groups:
        raise UndecodableBody("it has no resource")
    stand_in = StandIn.for_bytes(body)
    for resource_group in groups:
        parts = _read_parts(resource_group)
        for scope_group in parts[2]:
            yield _read_group(parts, _read_parts(scope_group), item_type, stand_in)


def _read_group(
    resource_parts: dict[int, list[bytes]],
    scope_parts: dict[int, list[bytes]],
    item_type: type[MessageT],
    stand_in: StandIn,
) -> ItemGroup[MessageT]:
    raw_items = scope_parts[2]
    try:
        # Repeats of a single field are merged, and parsing them joined is how protobuf defines merging.
        resource = _parse(b"".join(resource_parts[1]), Resource, stand_in)
        scope = _parse(b"".join(scope_parts[1]), InstrumentationScope, stand_in)
    except (DecodeError, UndecodableBody):
        detail = "the resource or scope of this item cannot be read"
        broken = [_break(raw, item_type, RejectCode.MALFORMED_RESOURCE, detail) for raw in raw_items]
        return ItemGroup(Resource(), "", InstrumentationScope(), "", broken)
    resource_schema_url, scope_schema_url = (
        _mend_text(b"".join(parts[3][-1:]), stand_in).decode() for parts in (resource_parts, scope_parts)
    )
    items = [_read_item(raw, item_type, stand_in) for raw in raw_items]
    return ItemGroup(resource, resource_schema_url, scope, scope_schema_url, items, stand_in)


def _read_item(raw: bytes, item_type: type[MessageT], stand_in: StandIn) -> MessageT | BrokenItem:
    try:
        return _parse(raw, item_type, stand_in)
    except UndecodableBody:
        return _break(raw, item_type, RejectCode.MALFORMED_ITEM, "the item's bytes are not protobuf")
    except DecodeError:
        detail = "its fields are of other kinds than OTLP's, or nested too deep to be read"
        return _break(raw, item_type, RejectCode.MALFORMED_ITEM, detail)


def _parse(raw: bytes, message_type: type[MessageT], stand_in: StandIn) -> MessageT:
    """Return a message, mended where it cannot be read as it is.

    Raises:
        DecodeError, UndecodableBody: not even then.
    """
    try:
        message: MessageT = message_type.FromString(raw)
    except DecodeError:
        message = message_type.FromString(_mend(raw, message_type.DESCRIPTOR, stand_in, 0))
    return message


def _mend(raw: bytes, descriptor: Any, stand_in: StandIn, depth: int) -> bytes:
    """Return the bytes of a message with each byte that is not UTF-8 in a text of it written as a stand-in.

    Args:
        descriptor: protobuf's, of the message; its class depends on how protobuf was built.

    Raises:
        UndecodableBody: a field is cut short or of a kind protobuf does not have.
    """
    if depth > _DEEPEST:
        return raw
    mended = []
    for number, kind, whole, content in read_fields(raw):
        field = descriptor.fields_by_number.get(number) if kind == LENGTH else None
        left = content
        if field is not None and field.type == FieldDescriptor.TYPE_STRING:
            left = _mend_text(content, stand_in)
        elif field is not None and field.type == FieldDescriptor.TYPE_MESSAGE:
            left = _mend(content, field.message_type, stand_in, depth + 1)
        same = left == content
        mended.append(whole if same else write_varint(number << 3 | LENGTH) + write_varint(len(left)) + left)
    return b"".join(mended)


def _mend_text(text: bytes, stand_in: StandIn) -> bytes:
    return stand_in.put(text.decode("utf-8", "surrogateescape")).encode()


def _break(raw: bytes, item_type: type[Message], code: RejectCode, detail: str) -> BrokenItem:
    """Return an item that cannot be read, with its ids where they can."""
    parts = _read_parts_until_broken(raw)

    def id_of(name: str, size: int) -> str | None:
        value = b"".join(parts[item_type.DESCRIPTOR.fields_by_name[name].number][-1:])
        return value.hex() if len(value) == size else None

    return BrokenItem(code, detail, raw, id_of("trace_id", 16), id_of("span_id", 8))


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
    _gather(data, parts)
    return parts


def _read_parts_until_broken(data: bytes) -> _Parts:
    """Return the length-delimited fields that stand before what cannot be read."""
    parts = _Parts()
    with suppress(UndecodableBody):
        _gather(data, parts)
    return parts


def _gather(data: bytes, parts: _Parts) -> None:
    for number, kind, _, content in read_fields(data):
        if kind == LENGTH:
            parts.setdefault(number, []).append(content)


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
