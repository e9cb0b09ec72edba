"""The door of the package: a request body in, a batch out, and no error but `OtlpError`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from evidence.otlp.body import PlainBody, explain_undecodable
from evidence.otlp.errors import BodyTooLarge, ItemRefused, UndecodableBody
from evidence.otlp.groups import ItemGroup, MessageT
from evidence.otlp.json_body import read_log_groups, read_span_groups
from evidence.otlp.limits import Limits
from evidence.otlp.logs import read_log_group
from evidence.otlp.records import LogBatch, TraceBatch
from evidence.otlp.spans import read_span_group
from evidence.otlp.wire import split_request


def decode_traces(body: PlainBody, limits: Limits) -> TraceBatch:
    """Read the body of `POST /v1/traces`.

    Every span in it is in the result once: as a row, or as a refusal with its reason.

    Raises:
        BodyTooLarge, UndecodableBody, WrongSignal: the request as a whole.
    """
    batch = TraceBatch(body.encoding)
    groups = read_span_groups(body.data, limits) if body.encoding == "json" else _parse_spans(body.data)
    for group in _guard(groups, body):
        _check_count(batch.n_items + len(group.items), limits)
        read_span_group(group, limits, batch)
    return batch


def decode_logs(body: PlainBody, limits: Limits) -> LogBatch:
    """Read the body of `POST /v1/logs`: evaluation events, and refusals of everything else.

    Raises:
        BodyTooLarge, UndecodableBody, WrongSignal: the request as a whole.
    """
    batch = LogBatch(body.encoding)
    groups = read_log_groups(body.data, limits) if body.encoding == "json" else _parse_logs(body.data)
    for group in _guard(groups, body):
        _check_count(batch.n_items + len(group.items), limits)
        read_log_group(group, limits, batch)
    return batch


def _parse_spans(body: bytes) -> Iterable[ItemGroup[Span]]:
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        return split_request(body, Span)
    return [
        ItemGroup(
            of_resource.resource, of_resource.schema_url, of_scope.scope, of_scope.schema_url, of_scope.spans
        )
        for of_resource in request.resource_spans
        for of_scope in of_resource.scope_spans
    ]


def _parse_logs(body: bytes) -> Iterable[ItemGroup[LogRecord]]:
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError:
        return split_request(body, LogRecord)
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


def _guard(groups: Iterable[ItemGroup[MessageT]], body: PlainBody) -> Iterator[ItemGroup[MessageT]]:
    """Yield the groups; a fault above the items is a fault of the whole body."""
    try:
        yield from groups
    except ItemRefused as exc:
        raise UndecodableBody(f"the body is no OTLP export request: {exc.detail}") from exc
    except UndecodableBody as exc:
        raise UndecodableBody(f"{explain_undecodable(body.data, body.encoding)} ({exc})") from exc


def _check_count(n_items: int, limits: Limits) -> None:
    if n_items > limits.items:
        raise BodyTooLarge(f"more than {limits.items} items in one request: send smaller batches")
