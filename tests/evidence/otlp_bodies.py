"""OTLP bodies for the tests, in protobuf and in the JSON an SDK would send."""

from __future__ import annotations

import base64
import json
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from evidence.otlp.body import unpack_body
from evidence.otlp.decode import decode_logs, decode_traces
from evidence.otlp.limits import Limits
from evidence.otlp.records import LogBatch, TraceBatch

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
START_NS = 1_763_802_000_000_000_000  # 2025-11-22T09:00:00Z
TRACE_ID = bytes(range(1, 17))
SPAN_ID = bytes(range(1, 9))


def make_span(**fields: Any) -> Span:
    """Return a plain span; `attributes` may be a dict of texts."""
    attributes = fields.pop("attributes", {})
    values: dict[str, Any] = {
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "name": "invoke_agent",
        "kind": 1,
        "start_time_unix_nano": START_NS,
        "end_time_unix_nano": START_NS + 1_000_000,
    }
    values.update(fields)
    span = Span(**values)
    for key, value in attributes.items():
        span.attributes.add(key=key).value.string_value = value
    return span


def make_request(*spans: Span, system: str = "credit-assistant") -> ExportTraceServiceRequest:
    """Return an export request of these spans under one resource."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = system
    scope = group.scope_spans.add()
    scope.scope.name = "tests"
    scope.spans.extend(spans)
    return request


def to_otlp_json(request: ExportTraceServiceRequest) -> bytes:
    """Return a request as OTLP/JSON: protobuf's JSON with hexadecimal ids and enums as numbers."""
    document = MessageToDict(request, use_integers_for_enums=True)
    for group in document.get("resourceSpans", []):
        for scope in group.get("scopeSpans", []):
            for span in scope.get("spans", []):
                for holder in (span, *span.get("links", [])):
                    for name in ("traceId", "spanId", "parentSpanId"):
                        if name in holder:
                            holder[name] = base64.b64decode(holder[name]).hex().upper()
    return json.dumps(document).encode()


def read_traces(
    body: bytes, content_type: str = PROTOBUF, content_encoding: str = "", limits: Limits | None = None
) -> TraceBatch:
    limits = limits or Limits()
    plain = unpack_body(body, content_type=content_type, content_encoding=content_encoding, limits=limits)
    return decode_traces(plain, limits)


def read_logs(body: bytes, content_type: str = JSON, limits: Limits | None = None) -> LogBatch:
    limits = limits or Limits()
    return decode_logs(
        unpack_body(body, content_type=content_type, content_encoding="", limits=limits), limits
    )
