"""Work rows that workers claim by a lease: carried out, ended on record, and found again when something was lost.

One home for exports and probe runs; what differs is a `WorkKind`. Why so: docs/decisions/0021-workers-and-work.md.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Generic, TypeVar

from django.db import connection, transaction
from django.db.models import F, Max, Q, QuerySet

from evidence import clock
from evidence.database_errors import passes
from evidence.errors import LeaseLost
from evidence.models import System
from evidence.models.work import MAX_ATTEMPTS, PATIENCE, LeasedWork
from evidence.services import audit
from evidence.worded import worded

logger = logging.getLogger(__name__)

RESEND_AFTER: Final = timedelta(minutes=5)  # between two messages to the broker about one row, at least
LONGEST_SILENCE: Final = timedelta(hours=1)  # between two messages where nobody works off the queue
ERROR_LENGTH: Final = 4000  # characters

State = LeasedWork.State
_W = TypeVar("_W", bound=LeasedWork)
_C = TypeVar("_C")


@dataclass(frozen=True, slots=True)
class WorkKind(Generic[_W]):
    """What differs between kinds of work."""

    rows: Callable[[], QuerySet[_W]]  # with what a worker needs of each
    lease: Callable[[], timedelta]
    noun: str  # of its events, which are "noun.started" and the like
    actor: str
    system_of: Callable[[_W], System]
    digest_of: Callable[[_W], str]  # of what is worked on; empty where it has none
    readable: tuple[type[Exception], ...]  # errors with a code, whose sentences whoever asked may read


def carry_out(kind: WorkKind[_W], pk: int, do: Callable[[_W], object]) -> None:
    """Claim one row and do its work; store why not where that fails.

    A row that is over, or that another worker holds, is left alone. What passes by itself (the log is busy, the
    database away or being upgraded) puts the row back, and the attempt is not counted.

    Args:
        do: ends with `finish`, in the transaction that stores what came of it.

    Raises:
        LeaseLost: the row has been claimed again since.
        Exception: what else the work raised, once the row says so.
    """
    work = claim(kind, pk)
    if work is not None:
        carry_out_claimed(
            work, do, fail=partial(_fail, kind), put_back=partial(_put_back, kind), readable=kind.readable
        )


def carry_out_claimed(
    claimed: _C,
    do: Callable[[_C], object],
    *,
    fail: Callable[[_C, str], object],
    put_back: Callable[[_C, str], object],
    readable: tuple[type[Exception], ...],
) -> bool:
    """Do the work of an attempt that was claimed by whatever means, and store why not where that fails.

    Args:
        fail, put_back: end the attempt with an error, for good or so that it is tried again uncounted.
        readable: errors with a code, whose sentences whoever asked may read.

    Returns:
        False where it was put back.

    Raises:
        LeaseLost, Exception: as `carry_out` does.
    """
    try:
        do(claimed)
    except LeaseLost:
        raise
    except Exception as exc:
        # Of any kind: whatever ended it is stored with the row, or the row would say "running" for ever.
        _take_fresh_connection()
        error = _describe(readable, exc)
        if not passes(exc):
            fail(claimed, error)
            raise
        logger.warning("%s waits: %s", claimed, exc)
        put_back(claimed, error)
        return False
    return True


@transaction.atomic
def claim(kind: WorkKind[_W], pk: int) -> _W | None:
    """Take a row if it waits or its lease is over; None when it was not this worker that changed it."""
    now = clock.now()
    claimable = kind.rows().filter(_free(now), pk=pk, attempts__lt=MAX_ATTEMPTS)
    changed = _change(
        claimable,
        state=State.RUNNING,
        attempts=F("attempts") + 1,
        worker=name_worker(),
        started_at=now,
        lease_until=now + kind.lease(),
    )
    if changed != 1:
        return None
    work = kind.rows().get(pk=pk)
    _record(kind, work, "started", {"worker": work.worker})
    return work


def finish(
    kind: WorkKind[_W], work: _W, *, details: Mapping[str, object] | None = None, **stored: object
) -> None:
    """End an attempt that did its work.

    Args:
        details: for the event.
        stored: further columns of the row.

    Raises:
        LeaseLost: the row has been claimed again since.
    """
    _close(kind, work, "finished", details or {}, state=State.DONE, error="", **stored)


def find_to_send(kind: WorkKind[_W]) -> list[int]:
    """Close what has failed too often, and return the rows that a worker should be told of again.

    These are rows whose last message may be lost, and those whose worker has died: its lease is over. The time of this
    message is put on each.
    """
    now = clock.now()
    for work in kind.rows().filter(_free(now) & _worn_out(now)):
        _give_up(kind, work, now)
    waiting = list(kind.rows().filter(_free(now)).order_by("pk"))
    queue = _look_at_queue(kind.rows(), waiting, now)
    due = [work.pk for work in waiting if queue.may_have_lost(work)]
    _change(kind.rows().filter(_free(now), pk__in=due), sent_at=now)
    return due


def name_worker() -> str:
    """Return what this process is called on the rows that it claims."""
    return f"{socket.gethostname()}:{os.getpid()}"


def held_by(attempt: LeasedWork) -> Q:
    """Return the condition that this attempt, as it was claimed, still has the row."""
    return Q(pk=attempt.pk, state=State.RUNNING, attempts=attempt.attempts)


@dataclass(frozen=True, slots=True)
class _Queue:
    """What is known of the messages in the broker's queue, which is worked off in order."""

    now: datetime
    is_worked_off: bool  # a worker has one in hand, and will take the next message after it
    last_taken: datetime | None  # when the latest message that a worker has taken was sent

    def may_have_lost(self, work: LeasedWork) -> bool:
        """Whether the last message about a waiting row may be gone, and is not merely behind others."""
        sent = work.sent_at
        if sent is None:
            return True
        if self.now - sent <= RESEND_AFTER:
            return False
        if _was_taken(work) or (self.last_taken is not None and sent < self.last_taken):
            return True
        # Where nobody works, more messages help nobody: it is silent for as long again as it has waited.
        silence = min(sent - work.queued_at, LONGEST_SILENCE)
        return not self.is_worked_off and self.now - sent >= silence


def _look_at_queue(rows: QuerySet[_W], waiting: Sequence[_W], now: datetime) -> _Queue:
    if not waiting:
        return _Queue(now, is_worked_off=False, last_taken=None)
    running = rows.filter(state=State.RUNNING, lease_until__gte=now)
    later = rows.filter(pk__gt=waiting[0].pk, started_at__gte=F("sent_at"))
    return _Queue(now, running.exists(), later.aggregate(sent=Max("sent_at"))["sent"])


def _was_taken(work: LeasedWork) -> bool:
    """Whether a worker has claimed the row since the last message about it."""
    taken, sent = work.started_at, work.sent_at
    return taken is not None and sent is not None and taken >= sent


def _free(now: datetime) -> Q:
    """Return the condition that a row waits, or that its worker has died."""
    return Q(state=State.QUEUED) | Q(state=State.RUNNING, lease_until__lt=now)


def _worn_out(now: datetime) -> Q:
    """Return the condition that it ended too many workers, or that what put it back does not pass."""
    postponed = Q(state=State.QUEUED, started_at__isnull=False)
    return Q(attempts__gte=MAX_ATTEMPTS) | (postponed & Q(queued_at__lt=now - PATIENCE))


def _take_fresh_connection() -> None:
    """Have the outcome stored on another connection than the work's, which may be in the middle of anything."""
    if not connection.in_atomic_block:
        connection.close()


def _fail(kind: WorkKind[_W], work: _W, error: str) -> None:
    _close(kind, work, "failed", {"error": error}, state=State.FAILED, error=error)


def _put_back(kind: WorkKind[_W], work: _W, error: str) -> None:
    attempts = work.attempts - 1
    _close(kind, work, "postponed", {"error": error}, state=State.QUEUED, attempts=attempts, error=error)


@transaction.atomic
def _close(kind: WorkKind[_W], work: _W, verb: str, details: Mapping[str, object], **stored: Any) -> None:
    """End this attempt and no later one."""
    held = kind.rows().filter(held_by(work))
    if _change(held, finished_at=clock.now(), lease_until=None, **stored) != 1:
        raise LeaseLost(
            worded(
                "%(work)s: attempt %(attempts)s took longer than its lease.",
                work=work,
                attempts=work.attempts,
            )
        )
    _record(kind, work, verb, details)


@transaction.atomic
def _give_up(kind: WorkKind[_W], work: _W, now: datetime) -> None:
    """Close it, unless its worker has said since it was read that it is alive."""
    lost = f"worker_lost: {work.attempts} workers took it and none of them finished it"
    error = work.error if work.state == State.QUEUED else lost
    held = kind.rows().filter(_free(now), pk=work.pk, state=work.state, attempts=work.attempts)
    if _change(held, state=State.FAILED, error=error, finished_at=clock.now(), lease_until=None):
        _record(kind, work, "failed", {"error": error})


def _change(rows: QuerySet[_W], **values: Any) -> int:
    """Change rows in one statement, and return how many were."""
    return rows.update(**values)


def _record(kind: WorkKind[_W], work: _W, verb: str, details: Mapping[str, object]) -> None:
    audit.record(
        verb=f"{kind.noun}.{verb}",
        actor=kind.actor,
        obj=work,
        system=kind.system_of(work),
        digest=kind.digest_of(work),
        payload={"attempt": work.attempts, **details},
    )


def _describe(readable: tuple[type[Exception], ...], exc: Exception) -> str:
    """Return what whoever asked may read: our own sentences; of other errors only that there was one."""
    if isinstance(exc, readable):
        return f"{getattr(exc, 'code', type(exc).__name__)}: {exc}"[:ERROR_LENGTH]
    return f"{type(exc).__name__}: a fault of ours; the server's log says more"
