"""What is answered: an export response in the encoding of the request, with counts and reasons.

A pure function of what was decided, so that the same body posted twice gets the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from evidence.otlp.body import JSON, PROTOBUF
from evidence.otlp.limits import Limits
from evidence.otlp.records import AttributeBlob, Encoding, Signal

CONTENT_TYPES: Final[dict[Encoding, str]] = {"protobuf": PROTOBUF, "json": JSON}


@dataclass(frozen=True, slots=True)
class Reason:
    """One refused item, as the reply names it."""

    position: int  # zero-based place in the request
    code: str
    detail: str


def describe_outcome(
    reasons: Sequence[Reason],
    *,
    n_items: int,
    moved: Sequence[AttributeBlob],
    limits: Limits,
    unread: str = "",
) -> str:
    """Return the message of a reply: each code with its count and first example; empty when all is well.

    An attribute that was moved to a blob is a warning: the span is stored and not counted as refused. So is a field
    that nobody knows.

    Args:
        unread: the fields that nobody knows, in words.
    """
    parts: list[str] = []
    if reasons:
        first: dict[str, Reason] = {}
        counts: dict[str, int] = {}
        for reason in sorted(reasons, key=lambda one: one.position):
            first.setdefault(reason.code, reason)
            counts[reason.code] = counts.get(reason.code, 0) + 1
        parts.append(f"{len(reasons)} of {n_items} refused")
        parts += [
            f"{code} x{counts[code]} (item {reason.position}: {reason.detail})"
            for code, reason in first.items()
        ]
    if moved:
        parts.append(
            f"{len(moved)} values above {limits.attribute_bytes} bytes stored apart (first: {moved[0].place})"
        )
    if unread:
        parts.append(f"not understood, and kept in the raw body only: {unread}")
    return "; ".join(parts).encode("utf-8")[: limits.reason_bytes].decode("utf-8", "ignore")


def encode_reply(*, signal: Signal, encoding: Encoding, n_rejected: int, message: str) -> bytes:
    """Return the body of a 200. `partialSuccess` is there only when there is something to say (OTLP 1.x)."""
    if encoding == "json":
        if not n_rejected and not message:
            return b"{}"
        counted = "rejectedSpans" if signal is Signal.TRACES else "rejectedLogRecords"
        return orjson.dumps({"partialSuccess": {counted: str(n_rejected), "errorMessage": message}})
    partial = (n_rejected, message) if n_rejected or message else None
    if signal is Signal.TRACES:
        return _encode_traces(partial)
    return _encode_logs(partial)


def encode_refusal(message: str) -> bytes:
    """Return the body of a 4xx or 5xx to a sender of protobuf: a `google.rpc.Status`, as OTLP/HTTP asks.

    Collectors and SDKs log its message. Its code is that of gRPC, which OTLP/HTTP leaves out.
    """
    return bytes(Status(message=message).SerializeToString())


def _encode_traces(partial: tuple[int, str] | None) -> bytes:
    reply = ExportTraceServiceResponse()
    if partial is not None:
        reply.partial_success.CopyFrom(
            ExportTracePartialSuccess(rejected_spans=partial[0], error_message=partial[1])
        )
    return bytes(reply.SerializeToString())


def _encode_logs(partial: tuple[int, str] | None) -> bytes:
    reply = ExportLogsServiceResponse()
    if partial is not None:
        part = ExportLogsPartialSuccess(rejected_log_records=partial[0], error_message=partial[1])
        reply.partial_success.CopyFrom(part)
    return bytes(reply.SerializeToString())
