"""Which traces wait to be assembled, and who is at work on them.

How workers keep apart without holding up ingest: a worker takes one advisory lock for each trace, which
ingest never asks for, so a span that arrives meanwhile is committed at once and raises the work row's
`generation`. A work row is removed only in the generation that was read, and skipped where ingest holds it:
then the trace is simply due again.

An attempt is counted, and committed, before it begins: a worker that is killed cannot count it. What is not done
when its attempt is over was tried by a worker that is gone, or failed beside others; from then on it is taken alone, so
that it takes no others with it. Between the counting and the claim a worker holds nothing, so another may begin the
same row there; whoever then finds it in other hands takes its attempt back. Until all who began must have done so or
be dead, the last attempt is not begun, and so no trace is set aside for workers that met
(docs/decisions/0021-workers-and-work.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

from evidence import clock
from evidence.database_errors import TOOK_TOO_LONG, passes, state_of
from evidence.errors import BlobStoreAway
from evidence.locks import Lock, hold, numbers_of
from evidence.models import PendingTrace

_WORKERS: Final = 8  # that find work side by side: each looks this many batches ahead for unlocked traces
MAX_ATTEMPTS: Final = 3  # once with others, then alone
_PATIENCE: Final = 1000  # milliseconds
_IS_DUE: Final = f"""
    (p.attempts < {MAX_ATTEMPTS} OR p.tried_at IS NULL OR p.tried_at <= %(ended_since)s OR p.tried_at > %(to_come)s)
    AND (p.last_received_at <= %(quiet_since)s OR p.last_received_at > %(to_come)s)
    AND (p.root_ended OR p.first_received_at <= %(waited_since)s OR p.first_received_at > %(to_come)s OR EXISTS (
        SELECT 1 FROM evidence_trace t
        WHERE t.system_id = p.system_id AND t.trace_id = p.trace_id AND t.status = 'complete'))
"""  # noqa: S608  # our own text
_HAS_DUE: Final = f"SELECT EXISTS (SELECT 1 FROM evidence_pendingtrace p WHERE {_IS_DUE})"  # noqa: S608  # likewise
_UNTRIED: Final = f"""
    SELECT p.id, p.attempts FROM evidence_pendingtrace p WHERE p.attempts = 0 AND {_IS_DUE}
    ORDER BY p.last_received_at, p.id LIMIT %(window)s
"""  # noqa: S608  # likewise
_TRIED: Final = f"""
    SELECT p.id, p.attempts FROM evidence_pendingtrace p WHERE p.attempts > 0 AND {_IS_DUE}
    ORDER BY p.attempts, p.last_received_at, p.id LIMIT %(window)s
"""  # noqa: S608  # likewise
# Not taken: a row that ingest holds now, for spans are coming, and one that another worker has begun since we looked.
_BEGIN: Final = f"""
    taken AS MATERIALIZED (
        SELECT id, attempts FROM due
        WHERE pg_try_advisory_xact_lock({numbers_of(Lock.ASSEMBLY, "id")}) LIMIT %(limit)s
    ),
    held AS MATERIALIZED (
        SELECT p.id FROM evidence_pendingtrace p JOIN taken USING (id) WHERE p.attempts = taken.attempts
        FOR UPDATE OF p SKIP LOCKED
    )
    UPDATE evidence_pendingtrace p SET attempts = p.attempts + 1, tried_at = %(now)s
    FROM held WHERE p.id = held.id RETURNING p.id
"""  # noqa: S608  # likewise
_BEGIN_UNTRIED: Final = f"WITH due AS MATERIALIZED ({_UNTRIED}), {_BEGIN}"
_BEGIN_TRIED: Final = f"WITH due AS MATERIALIZED ({_TRIED}), {_BEGIN}"
_TAKE_UNHELD: Final = f"""
    SELECT id FROM unnest(%s::bigint[]) AS id WHERE pg_try_advisory_xact_lock({numbers_of(Lock.ASSEMBLY, "id")})
"""  # noqa: S608  # likewise
_TAKE_BACK: Final = """
    UPDATE evidence_pendingtrace p SET attempts = greatest(p.attempts - 1, 0) FROM (
        SELECT id FROM evidence_pendingtrace WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED
    ) AS held WHERE p.id = held.id RETURNING p.id
"""
_TAKE_BACK_FROM_ONE: Final = """
    UPDATE evidence_pendingtrace SET attempts = greatest(attempts - %s, 0) WHERE id = %s
"""
_RESET: Final = """
    UPDATE evidence_pendingtrace p SET attempts = 0 FROM (
        SELECT id FROM evidence_pendingtrace WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED
    ) AS held WHERE p.id = held.id RETURNING p.id
"""
_REMOVE_DONE: Final = """
    DELETE FROM evidence_pendingtrace WHERE id IN (
        SELECT p.id FROM evidence_pendingtrace p
        JOIN unnest(%s::bigint[], %s::bigint[]) AS read(id, generation)
          ON p.id = read.id AND p.generation = read.generation
        FOR UPDATE OF p SKIP LOCKED)
    RETURNING id
"""
_SEIZE: Final = """
    INSERT INTO evidence_pendingtrace (system_id, trace_id, generation, root_ended, first_received_at, last_received_at)
    VALUES (%s, %s, 1, false, %s, %s)
    ON CONFLICT (system_id, trace_id) DO UPDATE SET generation = evidence_pendingtrace.generation
    RETURNING id, xmax = 0
"""


def has_due(now: datetime) -> bool:
    """Whether any work row is due, whoever may hold it."""
    with connection.cursor() as cursor:
        cursor.execute(_HAS_DUE, _due_by(now))
        (found,) = cursor.fetchone() or (False,)
    return bool(found)


@transaction.atomic
def begin_attempt(limit: int, now: datetime, *, tried: bool = False) -> list[int]:
    """Count an attempt on due work rows that no other worker holds, and return the ids of those counted.

    Args:
        tried: those that an earlier attempt has left, the least tried first; else those that none has.
    """
    statement = _BEGIN_TRIED if tried else _BEGIN_UNTRIED
    with connection.cursor() as cursor:
        cursor.execute(statement, _due_by(now) | {"now": now, "window": limit * _WORKERS, "limit": limit})
        return sorted(pk for (pk,) in cursor.fetchall())


def take_unheld(ids: Sequence[int]) -> list[PendingTrace]:
    """Return the work rows whose attempt has begun, ours until the transaction ends.

    Read under the locks: a row that another worker has just finished is gone by now.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_UNHELD, [list(ids)])
        ours = [pk for (pk,) in cursor.fetchall()]
    return list(PendingTrace.objects.filter(pk__in=ours).prefetch_related("system").order_by("pk"))


class Attempt:
    """What came of an attempt on some work rows."""

    def __init__(self, begun: Sequence[int]) -> None:
        self._begun = begun
        self._ours: list[PendingTrace] = []
        self.left: set[int] = set()  # rows that there was no time or no room for

    def claim(self) -> list[PendingTrace]:
        """Return the work rows that no other worker holds; they are ours until the transaction ends."""
        self._ours = take_unheld(self._begun)
        return self._ours

    def uncounted(self, problem: Exception | None) -> list[int]:
        """Return the rows on which this was no attempt."""
        if problem is not None and is_no_fault_of_theirs(problem):
            return list(self._begun)
        left = self.left if problem is None else set()
        return sorted((set(self._begun) - {one.pk for one in self._ours}) | left)


@contextmanager
def attempt(begun: Sequence[int]) -> Iterator[Attempt]:
    """Count the attempts on work rows that were any, once the transaction inside the block has ended.

    None was the attempt on a row that another worker holds, on one that the block has left, and on any where what ended
    the block is no fault of the traces.
    """
    current = Attempt(begun)
    try:
        yield current
    except (
        Exception
    ) as exc:  # of any kind, and raised again: a worker that is killed leaves its attempts counted
        take_attempts_back(current.uncounted(exc))
        raise
    take_attempts_back(current.uncounted(None))


def take_attempts_back(ids: Sequence[int]) -> None:
    """Take one attempt off each work row. Where the database is away, or ingest holds a row for long, they count."""
    if not ids:
        return
    with suppress(OperationalError, InterfaceError):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_TAKE_BACK, [list(ids)])
            done = {pk for (pk,) in cursor.fetchall()}
        _take_back_patiently(dict.fromkeys(set(ids) - done, 1))


def _take_back_patiently(attempts: Mapping[int, int]) -> None:
    """Take so many attempts off each work row that ingest holds, once it lets go of it."""
    for pk, n in sorted(attempts.items()):  # one at a time: ingest holds several, in another order
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {_PATIENCE}")
            cursor.execute(_TAKE_BACK_FROM_ONE, [n, pk])


def is_no_fault_of_theirs(exc: Exception) -> bool:
    """Whether traces wait for what failed: the database or the blob store.

    A statement that took too long is not among it: what takes it long may be a trace, which would be tried for ever.
    """
    if state_of(exc) == TOOK_TOO_LONG:
        return False
    return passes(exc) or isinstance(exc, BlobStoreAway)


def _due_by(now: datetime) -> dict[str, Any]:
    return {
        "quiet_since": now - timedelta(seconds=settings.ASSEMBLY_QUIET),
        "waited_since": now - timedelta(seconds=settings.ASSEMBLY_INCOMPLETE_AFTER),
        # A worker that began before then has ended, or its process was ended for it.
        "ended_since": now - timedelta(seconds=settings.ASSEMBLY_HARD_LIMIT),
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
    """Remove work rows. Where spans have arrived since they were read, the row stays and has not been tried.

    A row that ingest holds now is seen to after the commit: here we hold others, for which ingest may wait.
    """
    counted = {one.pk: one.attempts for one in pending}
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE_DONE, [[one.pk for one in pending], [one.generation for one in pending]])
        _drop_returned(counted, cursor)
        if not counted:
            return
        cursor.execute(_RESET, [list(counted)])
        _drop_returned(counted, cursor)
    if counted:
        transaction.on_commit(partial(_forget_attempts, counted))


def _drop_returned(counted: dict[int, int], cursor: CursorWrapper) -> None:
    for (pk,) in cursor.fetchall():
        del counted[pk]


def _forget_attempts(counted: Mapping[int, int]) -> None:
    """Take back the attempts up to the one that came to an end; another worker may have begun one since."""
    with suppress(OperationalError, InterfaceError):
        _take_back_patiently(counted)
