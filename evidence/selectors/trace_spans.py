"""The spans that a trace was sealed from, in the order of a path: each below what asked for it, and in time.

All of them are read by the few columns that the order takes. What they hold is read for those that are shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Func, JSONField, QuerySet

from evidence.models import Span, Trace

MOST: Final = 20_000  # spans of a path, the first; a trace may have more
_BEFORE, _AFTER = timedelta(seconds=1), timedelta(days=1)  # which partitions can hold them
_COLUMNS: Final = (
    "pk", "span_id", "parent_span_id", "name", "start_ns", "end_ns", "status_code", "digest", "received_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PathSpan:
    """A span in its place."""

    pk: int
    span_id: str
    name: str
    depth: int  # 0: nothing above it, or nothing that has arrived
    start_ns: int
    end_ns: int
    status_code: int
    is_stray: bool  # what asked for it has not arrived


class _ShortAttributes(Func):
    """The attributes of a span; a long value is empty, and still says that it is there."""

    template = (
        "(SELECT jsonb_object_agg(key, CASE WHEN octet_length(value::text) > 300 THEN '\"\"'::jsonb ELSE value END)"
        " FROM jsonb_each(%(expressions)s))"
    )
    output_field = JSONField()


def spans_of(trace: Trace) -> QuerySet[Span]:
    """Return the spans that a trace was sealed from; of an id that was used twice, both."""
    spans = Span.objects.filter(
        system=trace.system_id,
        trace_id=trace.trace_id,
        started_at__gte=trace.started_at - _BEFORE,
        started_at__lt=trace.ended_at + _AFTER,
    )
    if trace.span_ids is None:
        return spans.filter(received_at__lte=trace.sealed_at)
    return spans.filter(span_id__in=trace.span_ids)


def read_path(trace: Trace) -> list[PathSpan]:
    """Return the spans of a trace, each after the one that asked for it, at most `MOST`."""
    in_time = spans_of(trace).order_by("start_ns", "span_id", "digest").values(*_COLUMNS)
    rows = _each_once(list(in_time[:MOST]), trace)
    below: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows.values():
        below[_parent(row, rows)].append(row)
    path, seen = list[PathSpan](), set[str]()
    tops = [*below[""], *rows.values()]  # what is in a ring is reached from none of the first
    for top in tops:
        waiting = [(top, 0)]
        while waiting:
            row, depth = waiting.pop()
            if row["span_id"] in seen:
                continue
            seen.add(row["span_id"])
            path.append(_placed(row, depth, rows))
            waiting += [(child, depth + 1) for child in reversed(below[row["span_id"]])]
    return path


def read_short_attributes(spans: Collection[PathSpan]) -> dict[int, Mapping[str, Any]]:
    """Return the attributes of some spans without what is long in them, by key."""
    rows = Span.objects.filter(pk__in=[span.pk for span in spans], started_at__range=_range_of(spans))
    found = rows.annotate(short=_ShortAttributes("attributes")).values_list("pk", "short")
    return {key: short or {} for key, short in found}


def read_span(trace: Trace, span: PathSpan) -> dict[str, Any]:
    """Return a span whole, as a dict of its columns."""
    return dict(spans_of(trace).values().get(pk=span.pk))


def _each_once(rows: Sequence[Mapping[str, Any]], trace: Trace) -> dict[str, Mapping[str, Any]]:
    """Return rows by their id; of several with one id, the one that the trace was sealed from."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        other = found.get(row["span_id"])
        if other is None or (other["received_at"] > trace.sealed_at >= row["received_at"]):
            found[row["span_id"]] = row
    return found


def _parent(row: Mapping[str, Any], rows: Mapping[str, Any]) -> str:
    parent: str = row["parent_span_id"]
    return parent if parent in rows and parent != row["span_id"] else ""


def _placed(row: Mapping[str, Any], depth: int, rows: Mapping[str, Any]) -> PathSpan:
    return PathSpan(
        pk=row["pk"],
        span_id=row["span_id"],
        name=row["name"],
        depth=depth,
        start_ns=row["start_ns"],
        end_ns=max(row["start_ns"], row["end_ns"]),
        status_code=row["status_code"],
        is_stray=bool(row["parent_span_id"]) and not _parent(row, rows),
    )


def _range_of(spans: Collection[PathSpan]) -> tuple[Any, Any]:
    starts = [datetime.fromtimestamp(span.start_ns / 1e9, tz=UTC) for span in spans]
    return min(starts) - _BEFORE, max(starts) + _BEFORE
