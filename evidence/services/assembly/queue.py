"""Which traces wait to be assembled, and who is at work on them.

How workers keep apart without holding up ingest: a worker takes one advisory lock for each trace, which
ingest never asks for, so a span that arrives meanwhile is committed at once and raises the work row's
`generation`. A work row is removed only in the generation that was read, and skipped where ingest holds it:
then the trace is simply due again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection

from evidence import clock
from evidence.locks import Lock, hold, numbers_of
from evidence.models import PendingTrace, Reject
from evidence.services import audit
from evidence.services.assembly.versions import ACTOR
from evidence.vocabulary import RejectSource

_WORKERS: Final = 8  # that find work side by side: each looks this many batches ahead for unlocked traces
_DUE: Final = """
    SELECT p.id FROM evidence_pendingtrace p
    WHERE (p.last_received_at <= %(quiet_since)s OR p.last_received_at > %(to_come)s)
      AND (p.root_ended OR p.first_received_at <= %(waited_since)s OR p.first_received_at > %(to_come)s OR EXISTS (
              SELECT 1 FROM evidence_trace t
              WHERE t.system_id = p.system_id AND t.trace_id = p.trace_id AND t.status = 'complete'))
    ORDER BY p.last_received_at, p.id LIMIT %(window)s
"""
_CLAIM_DUE: Final = f"""
    WITH due AS MATERIALIZED ({_DUE})
    SELECT id FROM due
    WHERE pg_try_advisory_xact_lock({numbers_of(Lock.ASSEMBLY, "id")})
    LIMIT %(limit)s
"""  # noqa: S608  # composed of a lock's name alone
_REMOVE_DONE: Final = """
    DELETE FROM evidence_pendingtrace WHERE id IN (
        SELECT p.id FROM evidence_pendingtrace p
        JOIN unnest(%s::bigint[], %s::bigint[]) AS read(id, generation)
          ON p.id = read.id AND p.generation = read.generation
        FOR UPDATE OF p SKIP LOCKED)
"""
_SEIZE: Final = """
    INSERT INTO evidence_pendingtrace (system_id, trace_id, generation, root_ended, first_received_at, last_received_at)
    VALUES (%s, %s, 1, false, %s, %s)
    ON CONFLICT (system_id, trace_id) DO UPDATE SET generation = evidence_pendingtrace.generation
    RETURNING id, xmax = 0
"""


def set_aside(pending: Sequence[PendingTrace], problem: Exception) -> None:
    """Put traces that cannot be assembled into the reject ledger and off the queue; their spans stay."""
    for one in pending:
        reject = Reject.objects.create(
            system_id=one.system_id,
            source=RejectSource.TRACE,
            code="assembly_failed",
            detail=f"{type(problem).__name__}: {problem}".replace("\x00", "")[:2000],
            trace_id=one.trace_id.hex,
        )
        audit.record(verb="trace.set_aside", actor=ACTOR, obj=reject, system=one.system)
    remove_done(pending)


def has_due(now: datetime) -> bool:
    """Whether any work row is due, whoever may hold it."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, _due_by(now) | {"window": 1})
        return cursor.fetchone() is not None


def claim_due(limit: int, now: datetime) -> list[PendingTrace]:
    """Return due work rows that no other worker holds, theirs until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_DUE, _due_by(now) | {"window": limit * _WORKERS, "limit": limit})
        ids = [row[0] for row in cursor.fetchall()]
    if not ids:
        return []
    # Read again under the locks: a row that another worker has just finished is gone by now.
    return list(PendingTrace.objects.filter(pk__in=ids).select_related("system").order_by("pk"))


def _due_by(now: datetime) -> dict[str, Any]:
    return {
        "quiet_since": now - timedelta(seconds=settings.ASSEMBLY_QUIET),
        "waited_since": now - timedelta(seconds=settings.ASSEMBLY_INCOMPLETE_AFTER),
        # Received before the clock was set back: it must not wait until the clock has caught up.
        "to_come": clock.now() + timedelta(seconds=settings.CLOCK_TOLERANCE),
    }


@contextmanager
def trace_kept_still(system_id: int, trace_id: UUID) -> Iterator[None]:
    """Let nobody add spans to a trace or assemble it, from here until the caller's transaction ends.

    Ingest waits for the work row, and so does this for it; a worker that has the trace in hand is waited for.
    """
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_SEIZE, [system_id, trace_id, now, now])
        pk, is_ours = cursor.fetchone() or (0, False)
    hold(Lock.ASSEMBLY, pk)
    yield
    if is_ours:
        PendingTrace.objects.filter(pk=pk).delete()


def remove_done(pending: Sequence[PendingTrace]) -> None:
    """Remove work rows, unless spans have arrived since they were read."""
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE_DONE, [[one.pk for one in pending], [one.generation for one in pending]])
