"""Binders that a worker is to export: asked for, carried out, and found again when a message or a worker is lost.

The row is the truth; a message only wakes a worker. A worker renews its short lease from a thread of its own while it
exports, so that one that died is followed by another within minutes, however long an export takes.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F, Max, Q

from evidence import acts, clock, locks
from evidence.access import Principal, principal_of_actor
from evidence.binder.statement import binder_uuid
from evidence.database_errors import passes
from evidence.errors import EvidenceError, LeaseLost, NotFound
from evidence.models import Binder, BinderRequest, Release, System
from evidence.selectors.binder.scope import BinderScope
from evidence.services import audit, binders
from evidence.services.binders import ExportProgress

logger = logging.getLogger(__name__)

ACTOR: Final = "system:export"
MAX_ATTEMPTS: Final = 3  # a request that has failed its workers this often is not sent again
LEASE: Final = timedelta(minutes=5)
RENEW_AFTER: Final = 10  # seconds
RESEND_AFTER: Final = timedelta(minutes=5)  # between two messages to the broker about one request, at least
LONGEST_SILENCE: Final = timedelta(hours=1)  # between two messages where nobody works off the queue
PATIENCE: Final = timedelta(days=1)  # so long after it was asked for, what passes has not passed
ERROR_LENGTH: Final = 4000  # characters
_OPEN: Final = Q(state__in=[BinderRequest.State.QUEUED, BinderRequest.State.RUNNING])


def queue_binder(
    *,
    principal: Principal,
    system: System,
    release: Release,
    baseline: str,
    period_from: datetime,
    period_to: datetime,
    as_of: datetime | None,
    send: Callable[[int], object],
) -> BinderRequest:
    """Put a request on record, and tell a worker of it once that is committed.

    The same scope again returns the request that waits, runs or is done; one that failed gets a new one. As of now, it
    is the same as long as it waits or runs.

    Args:
        send: takes the primary key of the request; the `delay` of its task.

    Raises:
        AccessDenied, NotFound, InvalidInput: as `binders.export_binder` does.
    """
    scope = binders.scope_asked_for(principal, system, release, baseline, period_from, period_to, as_of)
    with transaction.atomic():
        locks.hold(locks.Lock.BINDER_REQUEST, release.pk)
        found = _find_same(scope, as_of_is_now=as_of is None)
        if found is not None:
            return found
        request = BinderRequest.objects.create(
            binder_uuid=binder_uuid(scope.digest),
            system=system,
            release=release,
            baseline=baseline,
            period_from=scope.period_from,
            period_to=scope.period_to,
            as_of=scope.as_of.at,
            as_of_was_now=as_of is None,
            requested_by=principal.actor,
            queued_at=clock.now(),
            sent_at=clock.now(),
        )
        audit.record(verb="binder.queued", actor=principal.actor, obj=request, system=system)
        # A broker that is away must not undo the request: beat sends it again. Django logs the name of what failed,
        # which a `partial` has not.
        transaction.on_commit(lambda: send(request.pk), robust=True)
    return request


def find_request(*, principal: Principal, binder_id: uuid.UUID) -> BinderRequest:
    """Return the newest request for the binder of this id in the principal's systems.

    Raises:
        NotFound: there is none.
        AccessDenied: as `acts.check_can_read_binder` does.
    """
    found = BinderRequest.objects.filter(binder_uuid=binder_id, system_id__in=principal.system_ids)
    request = found.select_related("system", "release").order_by("-pk").first()
    if request is None:
        raise NotFound(f"There is no binder {binder_id} among your systems, and nobody has asked for it.")
    acts.check_can_read_binder(principal, request)
    return request


def carry_out_request(request_id: int) -> None:
    """Claim one request, export its binder, and store which it is or why there is none.

    A request that is over, or that another worker holds, is left alone. What passes by itself (the log is busy, the
    database away or being upgraded) puts the request back, and the attempt is not counted.

    Raises:
        Exception: what else the export raised, once the row says so.
    """
    request = _claim(request_id)
    if request is None:
        return
    progress = ExportProgress()
    try:
        with _lease_kept(request, progress):
            binder = _export(request, progress)
        with transaction.atomic():
            keep_lease(request, progress)
            _close(request, state=BinderRequest.State.DONE, verb="binder.finished", binder=binder)
    except LeaseLost:
        raise
    except Exception as exc:
        _take_fresh_connection()
        if not passes(exc):
            _close(request, state=BinderRequest.State.FAILED, verb="binder.failed", error=_describe(exc))
            raise
        logger.warning("%s waits: %s", request, exc)
        _close(request, state=BinderRequest.State.QUEUED, verb="binder.postponed", error=_describe(exc))


def find_requests_to_send() -> list[int]:
    """Close what has failed too often, and return the requests that a worker should be told of again.

    These are requests whose last message may be lost, and those whose worker has died: its lease is over. The time of
    this message is put on each.
    """
    now = clock.now()
    for request in BinderRequest.objects.filter(_free(now) & _worn_out(now)).select_related("system"):
        _give_up(request)
    waiting = list(BinderRequest.objects.filter(_free(now)).order_by("pk"))
    queue = _look_at_queue(waiting, now)
    due = [request.pk for request in waiting if queue.may_have_lost(request)]
    BinderRequest.objects.filter(_free(now), pk__in=due).update(sent_at=now)
    return due


def keep_lease(request: BinderRequest, progress: ExportProgress) -> None:
    """Renew the lease of this attempt and say how far it is; of an attempt that is over nothing is changed."""
    BinderRequest.objects.filter(_held_by(request)).update(
        lease_until=clock.now() + LEASE, n_files=progress.n_files, n_bytes=progress.n_bytes
    )


def _find_same(scope: BinderScope, *, as_of_is_now: bool) -> BinderRequest | None:
    asked = BinderRequest.objects.filter(
        system=scope.system,
        release=scope.release,
        baseline=scope.baseline,
        period_from=scope.period_from,
        period_to=scope.period_to,
    )
    same_time = Q(as_of=scope.as_of.at) & ~Q(state=BinderRequest.State.FAILED)
    found = asked.filter((_OPEN & Q(as_of_was_now=True)) if as_of_is_now else same_time)
    return found.order_by("-pk").first()


@transaction.atomic
def _claim(request_id: int) -> BinderRequest | None:
    """Take the request if it waits or its lease is over; None when it was not this worker that changed the row."""
    now = clock.now()
    claimable = BinderRequest.objects.filter(_free(now), pk=request_id, attempts__lt=MAX_ATTEMPTS)
    changed = claimable.update(
        state=BinderRequest.State.RUNNING,
        attempts=F("attempts") + 1,
        worker=f"{socket.gethostname()}:{os.getpid()}",
        started_at=now,
        lease_until=now + LEASE,
    )
    if changed != 1:
        return None
    request = BinderRequest.objects.select_related("system", "release").get(pk=request_id)
    _record(request, "binder.started", {"worker": request.worker})
    return request


def _export(request: BinderRequest, progress: ExportProgress) -> Binder:
    return binders.export_binder(
        principal=principal_of_actor(request.requested_by),
        system=request.system,
        release=request.release,
        baseline=request.baseline,
        period_from=request.period_from,
        period_to=request.period_to,
        as_of=request.as_of,
        progress=progress,
    )


@contextmanager
def _lease_kept(request: BinderRequest, progress: ExportProgress) -> Iterator[None]:
    """Renew the lease beside the block. The export reads in one snapshot, so its own connection cannot write."""
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(request, progress, over), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _keep(request: BinderRequest, progress: ExportProgress, over: threading.Event) -> None:
    while not over.wait(RENEW_AFTER):
        try:
            keep_lease(request, progress)
        except (DatabaseError, InterfaceError):  # the next time may go better; without any, the lease ends
            logger.warning("the lease of %s could not be renewed", request, exc_info=True)
            connection.close()  # it may have been ended; the next time takes another
    connection.close()  # this thread's own, where it needed one


@transaction.atomic
def _close(
    request: BinderRequest,
    *,
    state: BinderRequest.State,
    verb: str,
    error: str = "",
    binder: Binder | None = None,
) -> None:
    """End this attempt and no later one.

    Raises:
        LeaseLost: the request has been claimed again since.
    """
    is_over = state != BinderRequest.State.QUEUED
    changed = BinderRequest.objects.filter(_held_by(request)).update(
        state=state,
        attempts=request.attempts if is_over else request.attempts - 1,
        error=error,
        binder=binder,
        finished_at=clock.now(),
        lease_until=None,
    )
    if changed != 1:
        raise LeaseLost(f"{request}: attempt {request.attempts} took longer than its lease.")
    _record(request, verb, {"error": error} if error else {})


@transaction.atomic
def _give_up(request: BinderRequest) -> None:
    error = request.error or f"worker_lost: {request.attempts} workers took it and none of them finished it"
    held = BinderRequest.objects.filter(_OPEN, pk=request.pk, attempts=request.attempts)
    if held.update(state=BinderRequest.State.FAILED, error=error, finished_at=clock.now(), lease_until=None):
        _record(request, "binder.failed", {"error": error})


@dataclass(frozen=True, slots=True)
class _Queue:
    """What is known of the messages in the broker's queue, which is worked off in order."""

    now: datetime
    is_worked_off: bool  # a worker has an export in hand, and will take the next message after it
    last_taken: datetime | None  # when the latest message that a worker has taken was sent

    def may_have_lost(self, request: BinderRequest) -> bool:
        """Whether the last message about a waiting request may be gone, and is not merely behind others."""
        sent = request.sent_at
        if sent is None:
            return True
        if self.now - sent <= RESEND_AFTER:
            return False
        if _was_taken(request) or (self.last_taken is not None and sent < self.last_taken):
            return True
        # Where nobody works, more messages help nobody: it is silent for as long again as it has waited.
        silence = min(sent - request.queued_at, LONGEST_SILENCE)
        return not self.is_worked_off and self.now - sent >= silence


def _look_at_queue(waiting: Sequence[BinderRequest], now: datetime) -> _Queue:
    if not waiting:
        return _Queue(now, is_worked_off=False, last_taken=None)
    running = BinderRequest.objects.filter(state=BinderRequest.State.RUNNING, lease_until__gte=now)
    later = BinderRequest.objects.filter(pk__gt=waiting[0].pk, started_at__gte=F("sent_at"))
    return _Queue(now, running.exists(), later.aggregate(sent=Max("sent_at"))["sent"])


def _was_taken(request: BinderRequest) -> bool:
    """Whether a worker has claimed the request since the last message about it."""
    taken, sent = request.started_at, request.sent_at
    return taken is not None and sent is not None and taken >= sent


def _free(now: datetime) -> Q:
    """Return the condition that a request waits, or that its worker has died."""
    return Q(state=BinderRequest.State.QUEUED) | Q(state=BinderRequest.State.RUNNING, lease_until__lt=now)


def _worn_out(now: datetime) -> Q:
    """Return the condition that it ended too many workers, or that what put it back does not pass."""
    postponed = Q(state=BinderRequest.State.QUEUED, started_at__isnull=False)
    return Q(attempts__gte=MAX_ATTEMPTS) | (postponed & Q(queued_at__lt=now - PATIENCE))


def _take_fresh_connection() -> None:
    """Have the outcome stored on another connection than the export's, which may be in the middle of anything."""
    if not connection.in_atomic_block:
        connection.close()


def _held_by(attempt: BinderRequest) -> Q:
    """Return the condition that this attempt, as it was claimed, still has the row."""
    return Q(pk=attempt.pk, state=BinderRequest.State.RUNNING, attempts=attempt.attempts)


def _record(request: BinderRequest, verb: str, details: dict[str, object]) -> None:
    payload = {"attempt": request.attempts, **details}
    audit.record(verb=verb, actor=ACTOR, obj=request, system=request.system, payload=payload)


def _describe(exc: Exception) -> str:
    """Return what whoever asked may read: our own sentences; of other errors only that there was one."""
    if isinstance(exc, EvidenceError):
        return f"{exc.code}: {exc}"[:ERROR_LENGTH]
    return f"{type(exc).__name__}: a fault of ours; the server's log says more"
