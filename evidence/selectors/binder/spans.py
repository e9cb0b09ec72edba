"""The spans that the traces of a binder were sealed from."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, F, Func, Q, QuerySet, UUIDField, Value
from django.db.models.functions import Cast

from evidence.any_of import any_of_ids, any_of_keys
from evidence.array_insert import as_array
from evidence.models import Span, Trace
from evidence.selectors.binder.scope import BinderScope
from evidence.selectors.binder.shapes import (
    Shape,
    id_column,
    json_column,
    text_column,
    time_column,
    write_line,
)
from evidence.selectors.binder.trace_scope import TRACES_AT_ONCE, Keys, TracePages

SPAN: Final = Shape(
    {
        "traceId": id_column("trace_id"),
        "spanId": "span_id",
        "parentSpanId": "parent_span_id",
        "name": "name",
        "kind": "kind",
        "startNs": text_column("start_ns"),
        "endNs": text_column("end_ns"),
        "statusCode": "status_code",
        "statusMessage": "status_message",
        "attributes": json_column("attributes"),
        "events": json_column("events"),
        "links": json_column("links"),
        "resource": json_column("resource"),
        "scope": json_column("scope"),
        "digest": "digest",
        "digestFormat": "digest_format",
        "receivedAt": time_column("received_at"),
    }
)
_READ_AT_ONCE: Final = 500  # rows


class _Sealed(NamedTuple):
    """What a trace was sealed from; no ids, where that was before traces named their spans."""

    span_ids: list[str] | None
    at: datetime


_SealedTraces = Mapping[UUID, _Sealed]


def span_lines(scope: BinderScope, pages: TracePages) -> Iterator[bytes]:
    """Yield a line a span in the order of their traces, so that whoever checks them reads both files once."""
    for keys in pages.of(TRACES_AT_ONCE):
        sealed = _sealed(keys)
        rows = Span.objects.filter(_sealed_or_known(scope, sealed), system=scope.system)
        left_out = _reused_ids(rows, sealed)
        order = Cast(Value(as_array(list(sealed))), ArrayField(UUIDField()))
        place = Func(order, F("trace_id"), function="array_position")
        ordered = rows.order_by(place, "start_ns", "span_id", "digest")
        columns = ordered.values_list("pk", "trace_id", "span_id", *SPAN.columns)
        for key, trace_id, span_id, *values in columns.iterator(chunk_size=_READ_AT_ONCE):
            if _is_sealed_from(sealed[trace_id], span_id) and key not in left_out:
                yield write_line(SPAN.document(values))


def _sealed(keys: Keys) -> _SealedTraces:
    rows = Trace.objects.filter(any_of_keys("pk", keys)).order_by("pk")
    columns = rows.values_list("trace_id", "span_ids", "sealed_at")
    return {trace: _Sealed(span_ids, at) for trace, span_ids, at in columns}


def _naming(sealed: _SealedTraces, *, names: bool = True) -> Any:
    """Return the condition of traces that name their spans, or of those that do not."""
    traces = [trace for trace, one in sealed.items() if (one.span_ids is not None) is names]
    return any_of_ids("trace_id", traces)


def _sealed_or_known(scope: BinderScope, sealed: _SealedTraces) -> Q:
    """Return the condition of what may be a span of these traces: of those that name none, what was on record."""
    return Q(_naming(sealed)) | (Q(_naming(sealed, names=False)) & scope.as_of.knew("received_at"))


def _is_sealed_from(trace: _Sealed, span_id: str) -> bool:
    if trace.span_ids is None:
        return True
    place = bisect_left(trace.span_ids, span_id)
    return place < len(trace.span_ids) and trace.span_ids[place] == span_id


def _reused_ids(rows: QuerySet[Span], sealed: _SealedTraces) -> set[int]:
    """Return the rows to leave out where a sender gave one id to several spans.

    The trace was sealed from the earliest of those it had by then (`evidence.semconv.mapping`).
    """
    ids = rows.filter(_naming(sealed)).order_by().values("trace_id", "span_id")
    left_out: set[int] = set()
    for reused in ids.annotate(n=Count("pk")).filter(n__gt=1).values("trace_id", "span_id"):
        sealed_at = sealed[reused["trace_id"]].at
        several = rows.filter(**reused).values_list("pk", "start_ns", "digest", "received_at")
        _, *others = sorted(several, key=lambda row: (row[3] > sealed_at, row[1], row[2]))
        left_out.update(row[0] for row in others)
    return left_out
