"""How spans came, as far as a reader of their trace should know: what was refused of them, and when they came."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.db import connection

from evidence.otlp.errors import RejectCode
from evidence.semconv.arrival import Bounds
from evidence.semconv.draft import Flag
from evidence.services.assembly.reading import TraceKey
from evidence.vocabulary import RejectSource

SPANS_REFUSED: Final = "spans_refused"
_NANOSECONDS: Final = 1_000_000_000
# Of a refusal whose system cannot be told, the request says whom its token writes to. Only the count goes to those.
_REFUSED: Final = """
    SELECT touched.system_id, touched.trace_id, r.source, r.code, count(DISTINCT r.item_digest)
    FROM unnest(%(systems)s::bigint[], %(traces)s::uuid[]) AS touched (system_id, trace_id)
    JOIN evidence_reject r ON r.trace_id = replace(touched.trace_id::text, '-', '')
    JOIN evidence_ingestbatch b ON b.id = r.batch_id
    WHERE r.source = ANY(%(sources)s) AND r.code <> %(other)s
        AND (r.system_id = touched.system_id OR (r.system_id IS NULL AND touched.system_id = ANY(b.system_ids)))
    GROUP BY touched.system_id, touched.trace_id, r.source, r.code
"""
_NAMES: Final = {RejectSource.SPAN.value: "span", RejectSource.LOG.value: "log event"}


def read_bounds() -> Bounds:
    """Return how far from its arrival a span may begin, as the settings have it."""
    return Bounds(settings.OTLP_START_AHEAD * _NANOSECONDS, settings.OTLP_START_BEHIND * _NANOSECONDS)


def flag_refused(keys: Iterable[TraceKey]) -> dict[TraceKey, tuple[Flag, ...]]:
    """Return the flag of each trace of which spans or log events were refused. The same one, refused twice, is one."""
    listed = list(keys)
    counts: dict[TraceKey, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    with connection.cursor() as cursor:
        cursor.execute(
            _REFUSED,
            {
                "systems": [system_id for system_id, _ in listed],
                "traces": [trace_id for _, trace_id in listed],
                "sources": list(_NAMES),
                "other": RejectCode.UNSUPPORTED_LOG_RECORD,  # an application's log line is nothing of the trace
            },
        )
        for system_id, trace_id, source, code, count in cursor.fetchall():
            counts[system_id, trace_id][source][code] += count
    return {key: (Flag(SPANS_REFUSED, _describe(of_trace)),) for key, of_trace in counts.items()}


def _describe(counts: dict[str, Counter[str]]) -> str:
    parts = []
    for source, name in _NAMES.items():
        if by_code := counts.get(source):
            n = by_code.total()
            reasons = ", ".join(f"{code} {count}" for code, count in sorted(by_code.items()))
            parts.append(f"{n} {name}{'s' if n > 1 else ''} refused ({reasons})")
    return "; ".join(parts) + ". They are in the reject ledger, and not in this trace"
