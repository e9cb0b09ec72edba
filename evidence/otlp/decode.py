"""The door of the package: a request body in, a batch out, and no error but `OtlpError`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from evidence.otlp.body import PlainBody, explain_undecodable
from evidence.otlp.errors import ItemRefused, UndecodableBody
from evidence.otlp.groups import ItemGroup, MessageT
from evidence.otlp.json_body import read_log_groups, read_span_groups
from evidence.otlp.limits import Limits
from evidence.otlp.logs import read_log_group
from evidence.otlp.records import LogBatch, TraceBatch
from evidence.otlp.spans import read_span_group
from evidence.otlp.wire import split_request

_OLD_SCOPES: Final = (
    1000  # the field number of instrumentation_library_spans and _logs, while they were there
)
_SHOWN: Final = 5  # kinds of unknown fields that a reply names


def decode_traces(body: PlainBody, limits: Limits) -> TraceBatch:
    """Read the body of `POST /v1/traces`.

    Every span in it is in the result once: as a row, or as a refusal with its reason.

    Raises:
        BodyTooLarge, UndecodableBody, WrongSignal: the request as a whole.
    """
    batch = TraceBatch(body.encoding)
    is_json = body.encoding == "json"
    groups = (
        read_span_groups(body.data, limits, batch.unread)
        if is_json
        else _parse_spans(body.data, batch.unread)
    )
    for group in _guard(groups, body):
        limits.check_items(batch.n_items + len(group.items))
        read_span_group(group, limits, batch)
    _check_understood(batch)
    return batch


def decode_logs(body: PlainBody, limits: Limits) -> LogBatch:
    """Read the body of `POST /v1/logs`: evaluation events, events of spans, and refusals of everything else.

    Raises:
        BodyTooLarge, UndecodableBody, WrongSignal: the request as a whole.
    """
    batch = LogBatch(body.encoding)
    is_json = body.encoding == "json"
    groups = (
        read_log_groups(body.data, limits, batch.unread) if is_json else _parse_logs(body.data, batch.unread)
    )
    for group in _guard(groups, body):
        limits.check_items(batch.n_items + len(group.items))
        read_log_group(group, limits, batch)
    _check_understood(batch)
    return batch


def _parse_spans(body: bytes, unread: Counter[str]) -> Iterable[ItemGroup[Span]]:
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        return split_request(body, Span)
    _count_unknown(request, "request", unread)
    for of_resource in request.resource_spans:
        _count_unknown(of_resource, "resource_spans", unread)
        for of_scope in of_resource.scope_spans:
            _count_unknown(of_scope, "scope_spans", unread)
    return [
        ItemGroup(
            of_resource.resource, of_resource.schema_url, of_scope.scope, of_scope.schema_url, of_scope.spans
        )
        for of_resource in request.resource_spans
        for of_scope in of_resource.scope_spans
    ]


def _parse_logs(body: bytes, unread: Counter[str]) -> Iterable[ItemGroup[LogRecord]]:
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError:
        return split_request(body, LogRecord)
    _count_unknown(request, "request", unread)
    for of_resource in request.resource_logs:
        _count_unknown(of_resource, "resource_logs", unread)
        for of_scope in of_resource.scope_logs:
            _count_unknown(of_scope, "scope_logs", unread)
    return [
        ItemGroup(
            of_resource.resource,
            of_resource.schema_url,
            of_scope.scope,
            of_scope.schema_url,
            of_scope.log_records,
        )
        for of_resource in request.resource_logs
        for of_scope in of_resource.scope_logs
    ]


def _count_unknown(message: Message, place: str, unread: Counter[str]) -> None:
    """Count the fields that OTLP does not have there, by their numbers."""
    for field in UnknownFieldSet(message):  # type: ignore[attr-defined]  # the stubs do not know that it is iterable
        hint = (
            " (instrumentation_library_spans of OTLP before 0.15)"
            if field.field_number == _OLD_SCOPES
            else ""
        )
        unread[f"{place}: field {field.field_number}{hint}"] += 1


def _check_understood(batch: TraceBatch | LogBatch) -> None:
    """Refuse a body of which nothing was understood: what it holds would be lost with a 200.

    Raises:
        UndecodableBody: naming what stands there instead.
    """
    if batch.n_items or not batch.unread:
        return
    lists = (
        "resourceSpans, scopeSpans, spans"
        if isinstance(batch, TraceBatch)
        else "resourceLogs, scopeLogs, logRecords"
    )
    raise UndecodableBody(
        f"nothing in the body was understood. It has {describe_unread(batch.unread)}; expected {lists}"
    )


def describe_unread(unread: Counter[str]) -> str:
    """Return the fields that nobody knows, the most frequent first, as a reply names them."""
    shown = [
        f"{place} x{count}" for place, count in sorted(unread.items(), key=lambda item: (-item[1], item[0]))
    ]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more


def _guard(groups: Iterable[ItemGroup[MessageT]], body: PlainBody) -> Iterator[ItemGroup[MessageT]]:
    """Yield the groups; a fault above the items is a fault of the whole body."""
    try:
        yield from groups
    except ItemRefused as exc:
        raise UndecodableBody(f"the body is no OTLP export request: {exc.detail}") from exc
    except UndecodableBody as exc:
        raise UndecodableBody(f"{explain_undecodable(body.data, body.encoding)} ({exc})") from exc
