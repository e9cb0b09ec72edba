"""What a decoded request consists of.

`SpanRecord` is a NamedTuple and no dataclass: one is built for every span, and a tuple costs a third as much.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

from evidence.otlp.errors import RejectCode

Encoding = Literal["protobuf", "json"]


class Signal(StrEnum):
    """What a request carries; the last part of its address."""

    TRACES = "traces"
    LOGS = "logs"


class SpanRecord(NamedTuple):
    """One span that can be stored as it stands. Identifiers are lower-case hexadecimal, JSON texts UTF-8."""

    position: int  # zero-based place in the request
    system_key: str  # `tracebinder.system`, else `service.name` of the resource; empty when neither is there
    trace_id: str  # 32 characters
    span_id: str  # 16 characters
    parent_span_id: str | None  # 16 characters; None for a root
    name: str
    kind: int  # 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer
    start_ns: int  # nanoseconds since 1970, UTC
    end_ns: int  # nanoseconds since 1970, UTC
    status_code: int  # 0 unset, 1 ok, 2 error
    status_message: str
    attributes: bytes  # JSON object
    events: bytes  # JSON array of {"name", "time_ns", "attributes"}
    links: bytes  # JSON array of {"trace_id", "span_id", "trace_state", "attributes"}
    resource: bytes  # JSON object: the resource's attributes
    scope: bytes  # JSON object: {"name", "version", "schema_url", "resource_schema_url", "attributes"}
    digest: str  # of its content; the same for protobuf and JSON (evidence.otlp.span_digest)
    parent_is_remote: bool = (
        False  # its parent is in another process, so that this one will send no other root
    )


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """One `gen_ai.evaluation.result` event from the logs signal."""

    position: int  # zero-based place in the request
    system_key: str
    trace_id: str | None  # 32 hexadecimal characters
    span_id: str | None  # 16 hexadecimal characters
    observed_ns: int  # nanoseconds since 1970, UTC; the event's time, else the time it was observed
    name: str  # `gen_ai.evaluation.name`
    score_value: float | None
    score_label: str | None
    explanation: str | None
    response_id: str | None
    error_type: str | None
    attributes: bytes  # JSON object: all attributes as sent
    digest: str  # SHA-256 over resource, scope and log record


@dataclass(frozen=True, slots=True)
class RejectRecord:
    """One item that was refused alone, with enough of it to see why; none of it where it is no affair of ours."""

    position: int  # zero-based place in the request
    code: RejectCode
    detail: str  # a sentence for the sender
    system_key: str
    trace_id: str | None  # as it was sent, in hexadecimal, where there was one
    span_id: str | None
    item_digest: str  # SHA-256 of the item's bytes as they could be read
    item: bytes  # JSON object, escaped so that PostgreSQL can store it; or null


@dataclass(frozen=True, slots=True)
class AttributeBlob:
    """An attribute value too large for a row. The row holds its digest, see `values.blob_marker`."""

    digest: str
    data: bytes
    media_type: str
    place: str  # e.g. "span 3, attribute gen_ai.input.messages"


@dataclass(slots=True)
class TraceBatch:
    """A traces request, read."""

    encoding: Encoding
    spans: list[SpanRecord] = field(default_factory=list)
    rejects: list[RejectRecord] = field(default_factory=list)
    blobs: list[AttributeBlob] = field(default_factory=list)
    unread: Counter[str] = field(
        default_factory=Counter
    )  # fields of the body that nobody knows, by their place
    n_items: int = 0


@dataclass(slots=True)
class LogBatch:
    """A logs request, read."""

    encoding: Encoding
    evaluations: list[EvaluationRecord] = field(default_factory=list)
    events: list[SpanRecord] = field(
        default_factory=list
    )  # rows beside their spans: evidence.otlp.companions
    rejects: list[RejectRecord] = field(default_factory=list)
    blobs: list[AttributeBlob] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)
    n_items: int = 0
