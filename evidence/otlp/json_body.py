"""OTLP/JSON into the same protobuf messages that a protobuf body gives.

Source: OpenTelemetry protocol specification, "JSON Protobuf Encoding": lowerCamelCase names, trace and span
ids in hexadecimal (any case), 64-bit integers as text or number, enums as number (names are taken too). Fields that
nobody knows are counted by their place (`Names`); one that is a field of ours written otherwise (`trace_id`) is refused
with its right name, and so are base64 ids.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from evidence.otlp.errors import NO_METRICS, ItemRefused, RejectCode, UndecodableBody, WrongSignal
from evidence.otlp.escapes import StandIn, is_unstorable
from evidence.otlp.groups import BrokenItem, ItemGroup, MessageT
from evidence.otlp.json_fields import (
    HEX,
    SCALARS,
    Fields,
    read_enum,
    read_id,
    read_integer,
    read_list,
    read_object,
    read_objects,
    read_text,
)
from evidence.otlp.json_names import Names
from evidence.otlp.json_text import ReadJson, RepeatedKeys, change_texts, find_repeated, read_json
from evidence.otlp.limits import Limits
from evidence.otlp.records import Signal

_SPAN_FIELDS: Final = frozenset(
    {
        "traceId", "spanId", "traceState", "parentSpanId", "flags", "name", "kind", "startTimeUnixNano",
        "endTimeUnixNano", "attributes", "droppedAttributesCount", "events", "droppedEventsCount", "links",
        "droppedLinksCount", "status",
    }
)  # fmt: skip
_EVENT_FIELDS: Final = frozenset({"timeUnixNano", "name", "attributes", "droppedAttributesCount"})
_LINK_FIELDS: Final = frozenset(
    {"traceId", "spanId", "traceState", "attributes", "droppedAttributesCount", "flags"}
)
_LOG_FIELDS: Final = frozenset(
    {
        "timeUnixNano", "observedTimeUnixNano", "severityNumber", "severityText", "body", "attributes",
        "droppedAttributesCount", "flags", "traceId", "spanId", "eventName",
    }
)  # fmt: skip
SPAN_LISTS: Final = ("resourceSpans", "scopeSpans", "spans")  # each within the one before
LOG_LISTS: Final = ("resourceLogs", "scopeLogs", "logRecords")


def read_span_groups(body: bytes, limits: Limits, unread: Counter[str]) -> Iterator[ItemGroup[Span]]:
    """Yield the groups of an `ExportTraceServiceRequest` in JSON.

    Args:
        unread: counts fields that nobody knows, by their place.
    """
    builder = _Builder(limits, _read(body, Signal.TRACES, SPAN_LISTS), Names(unread))
    return builder.read_groups(SPAN_LISTS, builder.build_span)


def read_log_groups(body: bytes, limits: Limits, unread: Counter[str]) -> Iterator[ItemGroup[LogRecord]]:
    """Yield the groups of an `ExportLogsServiceRequest` in JSON; `unread` as above."""
    builder = _Builder(limits, _read(body, Signal.LOGS, LOG_LISTS), Names(unread))
    return builder.read_groups(LOG_LISTS, builder.build_log)


def _read(body: bytes, signal: Signal, names: tuple[str, str, str]) -> ReadJson:
    read = read_json(body)
    _check_signal(read.document, signal)
    if read.has_repetitions:
        _check_stand_once(read.document, names)
    return read


def _check_signal(document: Fields, signal: Signal) -> None:
    """Refuse a document that holds nothing of this signal and something else: it would be lost in silence."""
    wanted, other = (
        ("resourceSpans", "resourceLogs") if signal is Signal.TRACES else ("resourceLogs", "resourceSpans")
    )
    if wanted in document or not document:
        return
    if "resourceMetrics" in document:
        raise WrongSignal(f"the body holds resourceMetrics. {NO_METRICS}")
    if other in document:
        raise WrongSignal(
            f"the body holds {other}: post it to /v1/{'logs' if signal == 'traces' else 'traces'}"
        )
    shown = [name.encode("utf-8", "backslashreplace").decode()[:60] for name in sorted(document)[:5]]
    raise UndecodableBody(f"the body has no {wanted} (names are lowerCamelCase); it has {shown}")


def _check_stand_once(document: Fields, names: tuple[str, str, str]) -> None:
    """Refuse an object above the items that has a key twice: the last is left, and what the first held is lost.

    Raises:
        UndecodableBody: naming the key.
    """
    holders: list[object] = [document]
    for name in names:
        for holder in holders:
            if isinstance(holder, RepeatedKeys):
                raise UndecodableBody(f"an object has {holder.repeated[:60]!r} twice: send one")
        lists = [holder.get(name) for holder in holders if isinstance(holder, dict)]
        holders = [inner for listed in lists if isinstance(listed, list) for inner in listed]


def _read_item(raw: Fields, build: Callable[[Fields], MessageT]) -> MessageT | BrokenItem:
    try:
        return build(raw)
    except ItemRefused as exc:
        return _break(raw, exc.code, exc.detail)


def _break(raw: Fields, code: RejectCode, detail: str) -> BrokenItem:
    try:
        text = json.dumps(raw).encode("ascii")  # escapes lone surrogates, so no text is unreadable here
    except RecursionError:  # nested as deeply as could just be read; the raw body has it
        text = b"{}"
    return BrokenItem(code, detail, text, _shown_id(raw.get("traceId"), 32), _shown_id(raw.get("spanId"), 16))


def _shown_id(value: object, size: int) -> str | None:
    """Return an id as sent where it is one; anything else stands in the kept item only."""
    return value.lower() if isinstance(value, str) and len(value) == size and HEX.fullmatch(value) else None


class _Builder:
    """Builds messages; every problem is an `ItemRefused`."""

    def __init__(self, limits: Limits, read: ReadJson, names: Names) -> None:
        self._limits = limits
        self._names = names
        self._read, self._stand_in = _storable(read)

    def read_groups(
        self, names: tuple[str, str, str], build: Callable[[Fields], MessageT]
    ) -> Iterator[ItemGroup[MessageT]]:
        outer, inner, items_name = names
        self._names.count(self._read.document, "request", {outer})
        n_items = 0
        for resource_group in read_objects(self._read.document, outer):
            self._names.count(resource_group, outer, {"resource", inner, "schemaUrl"})
            for scope_group in read_objects(resource_group, inner):
                self._names.count(scope_group, inner, {"scope", items_name, "schemaUrl"})
                raw_items = read_objects(scope_group, items_name)
                n_items += len(raw_items)
                self._limits.check_items(n_items)
                try:
                    yield ItemGroup(
                        self.build_resource(read_object(resource_group, "resource")),
                        read_text(resource_group, "schemaUrl"),
                        self.build_scope(read_object(scope_group, "scope")),
                        read_text(scope_group, "schemaUrl"),
                        [_read_item(raw, build) for raw in raw_items],
                        self._stand_in,
                    )
                except ItemRefused as exc:
                    detail = f"the resource or scope of this item cannot be read: {exc.detail}"
                    broken = [_break(raw, RejectCode.MALFORMED_RESOURCE, detail) for raw in raw_items]
                    yield ItemGroup(Resource(), "", InstrumentationScope(), "", broken)

    def _check_keys(self, raw: Fields) -> None:
        """Refuse what has a key twice: only the last is left of it."""
        if self._read.has_repetitions and (key := find_repeated(raw)) is not None:
            raise ItemRefused(RejectCode.MALFORMED_ITEM, f"an object has {key[:60]!r} twice: send one")

    def build_resource(self, raw: Fields) -> Resource:
        self._check_keys(raw)
        self._names.check(raw, "resource", {"attributes", "droppedAttributesCount", "entityRefs"})
        fields: Fields = {
            "attributes": self._pairs(raw),
            "dropped_attributes_count": read_integer(raw, "droppedAttributesCount"),
        }
        return _build(Resource, fields)

    def build_scope(self, raw: Fields) -> InstrumentationScope:
        self._check_keys(raw)
        self._names.check(raw, "scope", {"name", "version", "attributes", "droppedAttributesCount"})
        fields: Fields = {
            "name": read_text(raw, "name"),
            "version": read_text(raw, "version"),
            "attributes": self._pairs(raw),
            "dropped_attributes_count": read_integer(raw, "droppedAttributesCount"),
        }
        return _build(InstrumentationScope, fields)

    def build_span(self, raw: Fields) -> Span:
        self._check_keys(raw)
        self._names.check(raw, "spans", _SPAN_FIELDS)
        fields: Fields = {
            "trace_id": read_id(raw, "traceId", 16),
            "span_id": read_id(raw, "spanId", 8),
            "parent_span_id": read_id(raw, "parentSpanId", 8),
            "trace_state": read_text(raw, "traceState"),
            "flags": read_integer(raw, "flags"),
            "name": read_text(raw, "name"),
            "kind": read_enum(raw, "kind", Span.SpanKind),
            "start_time_unix_nano": read_integer(raw, "startTimeUnixNano"),
            "end_time_unix_nano": read_integer(raw, "endTimeUnixNano"),
            "attributes": self._pairs(raw),
            "dropped_attributes_count": read_integer(raw, "droppedAttributesCount"),
            "events": [self._event(event) for event in read_objects(raw, "events")],
            "dropped_events_count": read_integer(raw, "droppedEventsCount"),
            "links": [self._link(link) for link in read_objects(raw, "links")],
            "dropped_links_count": read_integer(raw, "droppedLinksCount"),
        }
        if raw.get("status") is not None:
            status = read_object(raw, "status")
            self._names.check(status, "spans.status", {"message", "code"})
            fields["status"] = {
                "message": read_text(status, "message"),
                "code": read_enum(status, "code", Status.StatusCode),
            }
        return _build(Span, fields)

    def build_log(self, raw: Fields) -> LogRecord:
        self._check_keys(raw)
        self._names.check(raw, "logRecords", _LOG_FIELDS)
        fields: Fields = {
            "time_unix_nano": read_integer(raw, "timeUnixNano"),
            "observed_time_unix_nano": read_integer(raw, "observedTimeUnixNano"),
            "severity_text": read_text(raw, "severityText"),
            "attributes": self._pairs(raw),
            "dropped_attributes_count": read_integer(raw, "droppedAttributesCount"),
            "flags": read_integer(raw, "flags"),
            "trace_id": read_id(raw, "traceId", 16),
            "span_id": read_id(raw, "spanId", 8),
            "event_name": read_text(raw, "eventName"),
        }
        if isinstance(raw.get("severityNumber"), int):
            fields["severity_number"] = raw["severityNumber"]
        if raw.get("body") is not None:
            fields["body"] = self._value(raw["body"], 0)
        return _build(LogRecord, fields)

    def _event(self, raw: Fields) -> Fields:
        self._names.check(raw, "spans.events", _EVENT_FIELDS)
        return {
            "time_unix_nano": read_integer(raw, "timeUnixNano"),
            "name": read_text(raw, "name"),
            "attributes": self._pairs(raw),
            "dropped_attributes_count": read_integer(raw, "droppedAttributesCount"),
        }

    def _link(self, raw: Fields) -> Fields:
        self._names.check(raw, "spans.links", _LINK_FIELDS)
        return {
            "trace_id": read_id(raw, "traceId", 16),
            "span_id": read_id(raw, "spanId", 8),
            "trace_state": read_text(raw, "traceState"),
            "attributes": self._pairs(raw),
            "dropped_attributes_count": read_integer(raw, "droppedAttributesCount"),
            "flags": read_integer(raw, "flags"),
        }

    def _pairs(self, raw: Fields, name: str = "attributes", depth: int = 0) -> list[Fields]:
        return [self._pair(pair, depth) for pair in read_objects(raw, name)]

    def _pair(self, raw: Fields, depth: int) -> Fields:
        pair: Fields = {"key": read_text(raw, "key")}
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
            if name in SCALARS:
                field, read = SCALARS[name]
                return {field: read(raw, name)}
            if name == "arrayValue":
                members = read_list(read_object(raw, name), "values")
                # A null member is no value, as protobuf's JSON mapping writes an unset one.
                values = [self._value({} if member is None else member, depth + 1) for member in members]
                return {"array_value": {"values": values}}
            if name == "kvlistValue":
                return {"kvlist_value": {"values": self._pairs(read_object(raw, name), "values", depth + 1)}}
            self._names.refuse_value(name)
        return {}


def _storable(read: ReadJson) -> tuple[ReadJson, StandIn | None]:
    """Return what was read with a character standing in for each lone surrogate, which no message can hold."""
    if read.slow_text is None or not (is_unstorable(read.slow_text) or "\\u" in read.slow_text):
        return read, None
    stand_in = StandIn.for_json(read.slow_text)
    try:
        document: Fields = change_texts(read.document, stand_in.put)
    except RecursionError:
        return read, None
    return ReadJson(document, read.has_repetitions), stand_in


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
