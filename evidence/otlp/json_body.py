"""OTLP/JSON into the same protobuf messages that a protobuf body gives.

Source: OpenTelemetry protocol specification, "JSON Protobuf Encoding": lowerCamelCase names, trace and span
ids in hexadecimal (any case), 64-bit integers as text or number, enums as number (names are taken too),
unknown fields ignored. Base64 ids, the most frequent mistake, are refused with a sentence that says so.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

import orjson
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from evidence.otlp.errors import ItemRefused, RejectCode, UndecodableBody, WrongSignal
from evidence.otlp.groups import BrokenItem, ItemGroup, MessageT
from evidence.otlp.limits import Limits
from evidence.otlp.records import Signal

_BOM: Final = b"\xef\xbb\xbf"
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_BASE64_SIZES: Final = {16: (22, 24), 8: (11, 12)}  # characters of base64 for so many bytes, bare and padded
_URL_SAFE: Final = {ord("-"): "+", ord("_"): "/"}
_INTEGER: Final = re.compile(r"-?[0-9]{1,20}")

_KIND_NAMES: Final[dict[type, str]] = {bool: "a boolean", dict: "an object", list: "an array", str: "a text"}

Fields = dict[str, object]
ValueT = TypeVar("ValueT")


def parse_json(body: bytes) -> Fields:
    """Return the JSON object of a body. Bytes that are not UTF-8 survive as lone surrogates, refused later.

    Raises:
        UndecodableBody: not a JSON object.
    """
    body = body.removeprefix(_BOM)
    try:
        parsed: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            parsed = json.loads(body.decode("utf-8", "surrogateescape"))
        except (ValueError, RecursionError) as exc:
            raise UndecodableBody(f"the body is not JSON: {str(exc)[:200]}") from exc
    if not isinstance(parsed, dict):
        raise UndecodableBody("the body is JSON but not an object")
    return parsed


def read_span_groups(body: bytes, limits: Limits) -> Iterator[ItemGroup[Span]]:
    """Yield the groups of an `ExportTraceServiceRequest` in JSON."""
    document = _check_signal(parse_json(body), "traces")
    return _read_groups(
        document, ("resourceSpans", "scopeSpans", "spans"), _Builder(limits).build_span, limits
    )


def read_log_groups(body: bytes, limits: Limits) -> Iterator[ItemGroup[LogRecord]]:
    """Yield the groups of an `ExportLogsServiceRequest` in JSON."""
    document = _check_signal(parse_json(body), "logs")
    return _read_groups(
        document, ("resourceLogs", "scopeLogs", "logRecords"), _Builder(limits).build_log, limits
    )


def _check_signal(document: Fields, signal: Signal) -> Fields:
    """Refuse a document that holds nothing of this signal and something else: it would be lost in silence."""
    wanted, other = (
        ("resourceSpans", "resourceLogs") if signal == "traces" else ("resourceLogs", "resourceSpans")
    )
    if wanted in document or not document:
        return document
    if other in document:
        raise WrongSignal(
            f"the body holds {other}: post it to /v1/{'logs' if signal == 'traces' else 'traces'}"
        )
    raise UndecodableBody(
        f"the body has no {wanted} (names are lowerCamelCase); it has {sorted(document)[:5]}"
    )


def _read_groups(
    document: Fields, names: tuple[str, str, str], build: Callable[[Fields], MessageT], limits: Limits
) -> Iterator[ItemGroup[MessageT]]:
    outer, inner, items_name = names
    builder = _Builder(limits)
    for resource_group in _read_objects(document, outer):
        for scope_group in _read_objects(resource_group, inner):
            raw_items = _read_objects(scope_group, items_name)
            try:
                yield ItemGroup(
                    builder.build_resource(_read_object(resource_group, "resource")),
                    _read_text(resource_group, "schemaUrl"),
                    builder.build_scope(_read_object(scope_group, "scope")),
                    _read_text(scope_group, "schemaUrl"),
                    [_read_item(raw, build) for raw in raw_items],
                )
            except ItemRefused as exc:
                detail = f"the resource or scope of this item cannot be read: {exc.detail}"
                broken = [_break(raw, RejectCode.MALFORMED_RESOURCE, detail) for raw in raw_items]
                yield ItemGroup(Resource(), "", InstrumentationScope(), "", broken)


def _read_item(raw: Fields, build: Callable[[Fields], MessageT]) -> MessageT | BrokenItem:
    try:
        return build(raw)
    except ItemRefused as exc:
        return _break(raw, exc.code, exc.detail)


def _break(raw: Fields, code: RejectCode, detail: str) -> BrokenItem:
    text = json.dumps(raw).encode("ascii")  # escapes lone surrogates, so no text is unreadable here
    return BrokenItem(code, detail, text, _shown_id(raw.get("traceId"), 32), _shown_id(raw.get("spanId"), 16))


def _shown_id(value: object, size: int) -> str | None:
    """Return an id as sent where it is one; anything else stands in the kept item only."""
    return value.lower() if isinstance(value, str) and len(value) == size and _HEX.fullmatch(value) else None


class _Builder:
    """Builds messages; every problem is an `ItemRefused`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def build_resource(self, raw: Fields) -> Resource:
        fields: Fields = {
            "attributes": self._pairs(raw),
            "dropped_attributes_count": _read_integer(raw, "droppedAttributesCount"),
        }
        return _build(Resource, fields)

    def build_scope(self, raw: Fields) -> InstrumentationScope:
        fields: Fields = {
            "name": _read_text(raw, "name"),
            "version": _read_text(raw, "version"),
            "attributes": self._pairs(raw),
            "dropped_attributes_count": _read_integer(raw, "droppedAttributesCount"),
        }
        return _build(InstrumentationScope, fields)

    def build_span(self, raw: Fields) -> Span:
        fields: Fields = {
            "trace_id": _read_id(raw, "traceId", 16),
            "span_id": _read_id(raw, "spanId", 8),
            "parent_span_id": _read_id(raw, "parentSpanId", 8),
            "trace_state": _read_text(raw, "traceState"),
            "flags": _read_integer(raw, "flags"),
            "name": _read_text(raw, "name"),
            "kind": _read_enum(raw, "kind", Span.SpanKind),
            "start_time_unix_nano": _read_integer(raw, "startTimeUnixNano"),
            "end_time_unix_nano": _read_integer(raw, "endTimeUnixNano"),
            "attributes": self._pairs(raw),
            "dropped_attributes_count": _read_integer(raw, "droppedAttributesCount"),
            "events": [self._event(event) for event in _read_objects(raw, "events")],
            "dropped_events_count": _read_integer(raw, "droppedEventsCount"),
            "links": [self._link(link) for link in _read_objects(raw, "links")],
            "dropped_links_count": _read_integer(raw, "droppedLinksCount"),
        }
        if raw.get("status") is not None:
            status = _read_object(raw, "status")
            fields["status"] = {
                "message": _read_text(status, "message"),
                "code": _read_enum(status, "code", Status.StatusCode),
            }
        return _build(Span, fields)

    def build_log(self, raw: Fields) -> LogRecord:
        fields: Fields = {
            "time_unix_nano": _read_integer(raw, "timeUnixNano"),
            "observed_time_unix_nano": _read_integer(raw, "observedTimeUnixNano"),
            "severity_text": _read_text(raw, "severityText"),
            "attributes": self._pairs(raw),
            "dropped_attributes_count": _read_integer(raw, "droppedAttributesCount"),
            "flags": _read_integer(raw, "flags"),
            "trace_id": _read_id(raw, "traceId", 16),
            "span_id": _read_id(raw, "spanId", 8),
            "event_name": _read_text(raw, "eventName"),
        }
        if isinstance(raw.get("severityNumber"), int):
            fields["severity_number"] = raw["severityNumber"]
        if raw.get("body") is not None:
            fields["body"] = self._value(raw["body"], 0)
        return _build(LogRecord, fields)

    def _event(self, raw: Fields) -> Fields:
        return {
            "time_unix_nano": _read_integer(raw, "timeUnixNano"),
            "name": _read_text(raw, "name"),
            "attributes": self._pairs(raw),
            "dropped_attributes_count": _read_integer(raw, "droppedAttributesCount"),
        }

    def _link(self, raw: Fields) -> Fields:
        return {
            "trace_id": _read_id(raw, "traceId", 16),
            "span_id": _read_id(raw, "spanId", 8),
            "trace_state": _read_text(raw, "traceState"),
            "attributes": self._pairs(raw),
            "dropped_attributes_count": _read_integer(raw, "droppedAttributesCount"),
            "flags": _read_integer(raw, "flags"),
        }

    def _pairs(self, raw: Fields, name: str = "attributes", depth: int = 0) -> list[Fields]:
        return [self._pair(pair, depth) for pair in _read_objects(raw, name)]

    def _pair(self, raw: Fields, depth: int) -> Fields:
        pair: Fields = {"key": _read_text(raw, "key")}
        if raw.get("value") is not None:
            pair["value"] = self._value(raw["value"], depth)
        return pair

    def _value(self, raw: object, depth: int) -> Fields:
        if not isinstance(raw, dict):
            raise ItemRefused(
                RejectCode.MALFORMED_ITEM, 'an attribute value is not an object such as {"stringValue": ...}'
            )
        if depth > self._limits.nesting_levels:
            raise ItemRefused(
                RejectCode.NESTING_TOO_DEEP,
                f"a value is nested more than {self._limits.nesting_levels} levels deep",
            )
        for name, value in raw.items():
            if value is None:
                continue
            if name in _SCALARS:
                field, read = _SCALARS[name]
                return {field: read(raw, name)}
            if name == "arrayValue":
                members = _read_list(_read_object(raw, name), "values")
                # A null member is no value, as protobuf's JSON mapping writes an unset one.
                values = [self._value({} if member is None else member, depth + 1) for member in members]
                return {"array_value": {"values": values}}
            if name == "kvlistValue":
                return {"kvlist_value": {"values": self._pairs(_read_object(raw, name), "values", depth + 1)}}
        return {}


def _build(message_type: type[MessageT], fields: Mapping[str, object]) -> MessageT:
    try:
        message: MessageT = message_type(**fields)
    except UnicodeEncodeError as exc:
        raise ItemRefused(RejectCode.UNSTORABLE_TEXT, "a text is not valid UTF-8") from exc
    except (ValueError, TypeError, OverflowError) as exc:
        raise ItemRefused(
            RejectCode.MALFORMED_ITEM, f"a value does not fit its field: {str(exc)[:200]}"
        ) from exc
    return message


def _read_objects(raw: Fields, name: str) -> list[Fields]:
    members = _read_list(raw, name)
    if not all(isinstance(member, dict) for member in members):
        raise ItemRefused(RejectCode.MALFORMED_ITEM, f"{name} holds something that is not an object")
    return members  # type: ignore[return-value]  # each member was just checked


def _read_list(raw: Fields, name: str) -> list[object]:
    value = raw.get(name)
    return [] if value is None else _expect(value, list, name)


def _read_object(raw: Fields, name: str) -> Fields:
    value = raw.get(name)
    return {} if value is None else _expect(value, dict, name)


def _read_text(raw: Fields, name: str) -> str:
    value = raw.get(name)
    return "" if value is None else _expect(value, str, name)


def _read_integer(raw: Fields, name: str) -> int:
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


def _read_flag(raw: Fields, name: str) -> bool:
    return _expect(raw[name], bool, name)


def _read_double(raw: Fields, name: str) -> float:
    """Return a double given as a number or as text, `NaN` and the infinities included."""
    value = raw[name]
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass  # refused below, as any other text
    raise ItemRefused(RejectCode.MALFORMED_ITEM, f"{name} is not a number")


def _read_base64(raw: Fields, name: str) -> bytes:
    """Return the bytes of base64 in either alphabet, padded or not, as protobuf's JSON mapping allows."""
    text = _expect(raw[name], str, name).translate(_URL_SAFE)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as exc:
        raise ItemRefused(RejectCode.MALFORMED_ITEM, f"{name} is not base64") from exc


def _read_enum(raw: Fields, name: str, enum: object) -> int:
    value = raw.get(name)
    if isinstance(value, str):
        try:
            return int(enum.Value(value))  # type: ignore[attr-defined]  # a protobuf EnumTypeWrapper
        except ValueError as exc:
            raise ItemRefused(
                RejectCode.MALFORMED_ITEM, f"{name} has the unknown value {value[:60]}"
            ) from exc
    return _read_integer(raw, name)


def _read_id(raw: Fields, name: str, size: int) -> bytes:
    """Return the bytes of a hexadecimal id; its length is judged later, where protobuf's is."""
    text = _read_text(raw, name)
    code = RejectCode.INVALID_TRACE_ID if size == 16 else RejectCode.INVALID_SPAN_ID
    if len(text) in _BASE64_SIZES[size] and len(text) != 2 * size:
        raise ItemRefused(
            code, f"{name} looks like base64; in OTLP/JSON it is {2 * size} hexadecimal characters"
        )
    if not _HEX.fullmatch(text):
        raise ItemRefused(code, f"{name} is not hexadecimal: it must be {2 * size} hexadecimal characters")
    return bytes.fromhex(text)


def _expect(value: object, kind: type[ValueT], name: str) -> ValueT:
    if not isinstance(value, kind):
        raise ItemRefused(RejectCode.MALFORMED_ITEM, f"{name} is not {_KIND_NAMES[kind]}")
    return value


_SCALARS: Final[dict[str, tuple[str, Callable[[Fields, str], object]]]] = {
    "stringValue": ("string_value", _read_text),
    "boolValue": ("bool_value", _read_flag),
    "intValue": ("int_value", _read_integer),
    "doubleValue": ("double_value", _read_double),
    "bytesValue": ("bytes_value", _read_base64),
}
