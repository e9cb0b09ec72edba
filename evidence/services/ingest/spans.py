"""Spans into their table: which are new, known, said again otherwise, or contradict, and the COPY of the new ones.

Two requests that touch the same trace take turns: each first writes the trace's work row, which locks it until
commit, and only then looks which spans are stored. So no staging table is needed, and the rows go straight into
their partitions at the price of a bare COPY. The table's unique constraint stays as the backstop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from django.db import connection

from evidence.erased import ERASED_KEY, ERASED_TEXT
from evidence.models import Erasure, IngestBatch, Span
from evidence.otlp.companions import as_version
from evidence.otlp.errors import RejectCode
from evidence.otlp.limits import Limits
from evidence.otlp.records import RejectRecord, SpanRecord
from evidence.otlp.span_digest import DIGESTED_COLUMNS, SPAN_DIGEST_FORMAT, digest_row
from evidence.prepared import prepared_cursor
from evidence.services.ingest.systems import refuse_span

TraceKey = tuple[int, str]  # the system's id and the trace id, hexadecimal
SpanKey = tuple[int, str, str]  # likewise, and the span id

# A trace of which everything was refused is put up only where there is one to be told of it.
# Sorted, so that two requests lock the rows they share in the same order and cannot wait for each other in a ring.
_MARK_TRACES: Final = """
INSERT INTO evidence_pendingtrace (system_id, trace_id, generation, root_ended, first_received_at, last_received_at)
SELECT touched.system_id, touched.trace_id, 1, touched.root_ended, %(now)s, %(now)s
FROM unnest(%(systems)s::bigint[], %(traces)s::uuid[], %(roots)s::boolean[], %(stored)s::boolean[])
    AS touched (system_id, trace_id, root_ended, stored)
WHERE touched.stored
    OR EXISTS (SELECT FROM evidence_trace t WHERE (t.system_id, t.trace_id) = (touched.system_id, touched.trace_id))
    OR EXISTS (
        SELECT FROM evidence_pendingtrace p WHERE (p.system_id, p.trace_id) = (touched.system_id, touched.trace_id))
ORDER BY touched.trace_id, touched.system_id
ON CONFLICT (system_id, trace_id) DO UPDATE SET
    generation = evidence_pendingtrace.generation + 1,
    root_ended = evidence_pendingtrace.root_ended OR excluded.root_ended,
    last_received_at = excluded.last_received_at
"""
# Generation 1 was written by this very transaction: whatever was committed before has been raised to 2.
_UNMARK_TRACES: Final = """
DELETE FROM evidence_pendingtrace USING unnest(%(systems)s::bigint[], %(traces)s::uuid[])
    AS untouched (system_id, trace_id)
WHERE evidence_pendingtrace.system_id = untouched.system_id
    AND evidence_pendingtrace.trace_id = untouched.trace_id AND evidence_pendingtrace.generation = 1
"""
# One index probe a trace. A plain `= ANY` is planned by statistics, and a young partition has none yet: PostgreSQL
# then reads all of it. OFFSET 0 keeps the inner query from being merged into such a plan.
_FIND_STORED: Final = """
SELECT found.system_id, found.trace_id, found.span_id, found.digest, found.digest_format, found.start_ns
FROM unnest(%s::bigint[], %s::uuid[]) AS touched (system_id, trace_id)
CROSS JOIN LATERAL (
    SELECT system_id, trace_id, span_id, digest, digest_format, start_ns FROM evidence_span
    WHERE evidence_span.trace_id = touched.trace_id AND evidence_span.system_id = touched.system_id OFFSET 0
) AS found
"""
_COPY: Final = """
COPY evidence_span (system_id, batch_id, trace_id, span_id, parent_span_id, name, kind, started_at, start_ns, end_ns,
    status_code, status_message, attributes, events, links, resource, scope, digest, received_at,
    digest_format) FROM STDIN
"""
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})  # COPY's text format


class _Stored(NamedTuple):
    """What identifies the content of a stored span."""

    digest: str
    digest_format: int
    start_ns: int


@dataclass(slots=True)
class SortedSpans:
    """The spans of a request, compared with each other and with what is stored."""

    new: list[tuple[int, SpanRecord]] = field(default_factory=list)  # the system's id and the span
    n_duplicate: int = 0
    conflicts: list[RejectRecord] = field(default_factory=list)


def mark_traces(
    spans: Sequence[tuple[int, SpanRecord]], now: datetime, *, refused: AbstractSet[TraceKey] = frozenset()
) -> None:
    """Put the traces of these spans up for assembly, and lock them until the transaction ends.

    Args:
        refused: traces of which something was refused, which is said on them.
    """
    roots: dict[TraceKey, bool] = {}
    for system_id, span in spans:
        key = (system_id, span.trace_id)
        roots[key] = roots.get(key, False) or span.parent_span_id is None or span.parent_is_remote
    only_refused = refused - roots.keys()
    touched = [*roots, *sorted(only_refused)]
    if not touched:
        return
    parameters: dict[str, Any] = {
        "now": now,
        "systems": _array(system_id for system_id, _ in touched),
        "traces": _array(trace_id for _, trace_id in touched),
        "roots": _array(roots.get(key, False) for key in touched),
        "stored": _array(key in roots for key in touched),
    }
    with prepared_cursor() as cursor:
        cursor.execute(_MARK_TRACES, parameters)


def sort_spans(
    spans: Sequence[tuple[int, SpanRecord]], limits: Limits, *, refused: AbstractSet[TraceKey] = frozenset()
) -> SortedSpans:
    """Tell new spans from known ones and from those that contradict. Call it after `mark_traces`, with its `refused`.

    Other content for a span id that began at the same time is another version of the span, and kept beside it. One that
    began at another time is another span: the first stands, and that is a conflict, within a request as well. What
    another system sent under the same ids is another span, and tells nothing here.
    """
    known = _find_stored({(system_id, span.trace_id) for system_id, span in spans})
    if not known and _are_different(spans):
        return SortedSpans(new=list(spans))
    result, conflicts = SortedSpans(), []
    for system_id, span in spans:
        key = (system_id, span.trace_id, span.span_id)
        first = known.get(key)
        if first is None:
            known[key] = _Stored(span.digest, SPAN_DIGEST_FORMAT, span.start_ns)
            result.new.append((system_id, span))
        elif span.digest == first.digest or _is_the_same(span, key, first):
            result.n_duplicate += 1
        elif span.start_ns == first.start_ns:
            version = as_version(span)
            place = (system_id, version.trace_id, version.span_id)
            if place in known:
                result.n_duplicate += 1
            else:
                known[place] = _Stored(version.digest, SPAN_DIGEST_FORMAT, version.start_ns)
                result.new.append((system_id, version))
        else:
            detail = (
                f"span {span.span_id} is stored with another start (digest {first.digest}); the first stands"
            )
            conflicts.append((system_id, refuse_span(span, RejectCode.SPAN_CONFLICT, detail, limits)))
    if len(result.new) < len(spans):
        told = {(system_id, span.trace_id) for system_id, span in result.new}
        told |= refused | {(system_id, reject.trace_id or "") for system_id, reject in conflicts}
        _unmark_traces({(system_id, span.trace_id) for system_id, span in spans} - told)
    result.conflicts = [reject for _, reject in conflicts]
    return result


def copy_spans(spans: Iterable[tuple[int, SpanRecord]], batch: IngestBatch) -> None:
    """Write new spans into their partitions.

    Raises:
        IntegrityError: a span of this identity was committed since `sort_spans` looked.
    """
    shared = str(batch.pk), batch.received_at.isoformat()
    data = b"".join(_format_row(system_id, span, *shared) for system_id, span in spans)
    if not data:
        return
    # psycopg's own errors are turned into Django's, so that callers see one kind.
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(_COPY) as copy:
        copy.write(data)


def _array(values: Iterable[int | str]) -> str:
    """Return a PostgreSQL array of numbers, truths or ids as text: for psycopg, each element is an object to adapt."""
    return f"{{{','.join(map(str, values))}}}"


def _find_stored(traces: set[TraceKey]) -> dict[SpanKey, _Stored]:
    """Return what identifies the content of each stored span of these traces."""
    if not traces:
        return {}
    systems, trace_ids = zip(*sorted(traces), strict=True)
    with prepared_cursor() as cursor:
        cursor.execute(_FIND_STORED, [_array(systems), _array(trace_ids)])
        return {
            (system_id, trace_id.hex, span_id): _Stored(*content)
            for system_id, trace_id, span_id, *content in cursor.fetchall()
        }


def _are_different(spans: Sequence[tuple[int, SpanRecord]]) -> bool:
    """Whether no two spans of a request have the same ids, as is nearly always so."""
    return len({(system_id, span.trace_id, span.span_id) for system_id, span in spans}) == len(spans)


def _is_the_same(span: SpanRecord, key: SpanKey, stored: _Stored) -> bool:
    """Whether a span is one that was stored when digests had another format: by its digest as it would be now.

    One that was erased since cannot be compared any more. It is taken for the same: as a conflict, all that it said
    would stand in the reject ledger.
    """
    if stored.digest_format == SPAN_DIGEST_FORMAT:
        return False
    system_id, trace_id, span_id = key
    rows = Span.objects.filter(system=system_id, trace_id=trace_id, span_id=span_id)
    row = rows.values(*DIGESTED_COLUMNS)[0]
    if span.digest == digest_row(row):
        return True
    return _is_erased(row) and Erasure.objects.filter(system=system_id, trace_id=trace_id).exists()


def _is_erased(row: Mapping[str, Any]) -> bool:
    """Whether nothing is left in a stored span that an erasure would overwrite."""
    return row["name"] in {"", ERASED_TEXT} and row["attributes"] in ({}, {ERASED_KEY: True})


def _unmark_traces(untouched: AbstractSet[TraceKey]) -> None:
    """Take back the marks of traces to which nothing was added, and of which nothing was refused."""
    if not untouched:
        return
    keys = sorted(untouched)
    parameters = {"systems": _array(key[0] for key in keys), "traces": _array(key[1] for key in keys)}
    with connection.cursor() as cursor:
        cursor.execute(_UNMARK_TRACES, parameters)


def _format_row(system_id: int, span: SpanRecord, batch_id: str, received_at: str) -> bytes:
    """Return one line of COPY's text format. JSON texts hold no control characters, only backslashes."""
    started_us = span.start_ns // 1_000
    head = (
        f"{system_id}\t{batch_id}\t{span.trace_id}\t{span.span_id}\t{span.parent_span_id or ''}\t{_escape(span.name)}\t"
        f"{span.kind}\t{_format_second(started_us // 1_000_000)}.{started_us % 1_000_000:06d}+00\t{span.start_ns}\t"
        f"{span.end_ns}\t{span.status_code}\t{_escape(span.status_message)}\t"
    )
    texts = b"\t".join((span.attributes, span.events, span.links, span.resource, span.scope))
    tail = f"\t{span.digest}\t{received_at}\t{SPAN_DIGEST_FORMAT}\n"
    return b"".join((head.encode(), texts.replace(b"\\", b"\\\\"), tail.encode()))


def _escape(text: str) -> str:
    """Return a text as COPY reads it. Looking for what must be escaped, which is rare, is cheaper than translating."""
    return text if text.isprintable() and "\\" not in text else text.translate(_ESCAPES)


@lru_cache(maxsize=4096)
def _format_second(seconds: int) -> str:
    """Return a second since 1970 as PostgreSQL reads a UTC timestamp; spans of a batch share a few of them."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
