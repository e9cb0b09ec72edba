"""Binders that a worker is to export: asked for, carried out, and found again when a message or a worker is lost.

The row is the truth; a message only wakes a worker. A worker renews its short lease from a thread of its own while it
exports, so that one that died is followed by another within minutes, however long an export takes.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Q

from evidence import acts, clock, locks
from evidence.access import Principal, principal_of_actor
from evidence.binder.statement import binder_uuid
from evidence.errors import EvidenceError, NotFound
from evidence.models import Binder, BinderRequest
from evidence.selectors.binder.scope import AskedScope, BinderScope
from evidence.services import audit, binders, leased_work
from evidence.services.binders import ExportProgress
from evidence.services.leased_work import WorkKind
from evidence.time_budget import TimeBudget
from evidence.worded import worded

logger = logging.getLogger(__name__)

ACTOR: Final = "system:export"
LEASE: Final = timedelta(minutes=5)
RENEW_AFTER: Final = 10  # seconds
_PAUSE: Final = 0.2  # seconds between two looks at a request that is waited for
_OPEN: Final = Q(state__in=[BinderRequest.State.QUEUED, BinderRequest.State.RUNNING])


class ExportFailed(EvidenceError):
    """A worker tried to export a binder and could not."""

    code = "export_failed"
    http_status = 500
    title = "The binder could not be exported"


def queue_binder(*, principal: Principal, asked: AskedScope, send: Callable[[int], object]) -> BinderRequest:
    """Put a request on record, and tell a worker of it once that is committed.

    The same scope again returns the request that waits, runs or is done; one that failed gets a new one. As of now, it
    is the same as long as it waits or runs.

    Args:
        send: takes the primary key of the request; the `delay` of its task.

    Raises:
        AccessDenied, NotFound, InvalidInput: as `binders.export_binder` does.
    """
    scope = binders.scope_asked_for(principal, asked)
    with transaction.atomic():
        locks.hold(locks.Lock.BINDER_REQUEST, scope.release.pk)
        found = _find_same(scope, as_of_is_now=asked.as_of is None)
        if found is not None:
            return found
        request = BinderRequest.objects.create(
            binder_uuid=binder_uuid(scope.digest),
            system=scope.system,
            release=scope.release,
            baseline=scope.baseline,
            period_from=scope.period_from,
            period_to=scope.period_to,
            as_of=scope.as_of.at,
            as_of_was_now=asked.as_of is None,
            requested_by=principal.actor,
            queued_at=clock.now(),
            sent_at=clock.now(),
        )
        audit.record(verb="binder.queued", actor=principal.actor, obj=request, system=scope.system)
        # A broker that is away must not undo the request: beat sends it again. Django logs the name of what failed,
        # which a `partial` has not.
        transaction.on_commit(lambda: send(request.pk), robust=True)
    return request


def wait_for_binder(request: BinderRequest, *, seconds: float) -> Binder | None:
    """Return the binder of a request once a worker has exported it; None where none has in that time.

    Raises:
        ExportFailed: the worker that tried could not.
    """
    budget = TimeBudget.of(seconds)
    while True:
        request.refresh_from_db()
        if request.state == BinderRequest.State.FAILED:
            raise ExportFailed(
                worded(
                    "%(error)s Ask again, or see /api/v1/binders/%(binder)s.",
                    error=request.error,
                    binder=request.binder_uuid,
                )
            )
        if request.binder is not None:
            return request.binder
        if budget.is_spent():
            return None
        time.sleep(_PAUSE)


def find_newest(*, principal: Principal, binder_id: uuid.UUID) -> Binder | BinderRequest:
    """Return the newest export of this id in the principal's systems, or what was asked for since and is not there.

    An older export of the same scope does not stand for one that waits, runs or failed: it may hold what was erased.

    Raises:
        NotFound: there is neither.
        AccessDenied: as `acts.check_can_read_binder` does.
    """
    asked = BinderRequest.objects.filter(binder_uuid=binder_id, system_id__in=principal.system_ids)
    request = asked.select_related("system", "release").order_by("-pk").first()
    binder = binders.newest_export(principal, binder_id)
    found = binder if request is None or (binder is not None and _is_there(request, binder)) else request
    if found is None:
        raise NotFound(
            worded(
                "There is no binder %(binder_id)s among your systems, and nobody has asked for it.",
                binder_id=binder_id,
            )
        )
    acts.check_can_read_binder(principal, found)
    return found


def carry_out_request(request_id: int) -> None:
    """Claim one request, export its binder, and store which it is or why there is none.

    Raises:
        Exception: as `leased_work.carry_out` does.
    """
    leased_work.carry_out(WORK, request_id, _export_and_finish)


def find_requests_to_send() -> list[int]:
    """Return the requests that a worker should be told of again, as `leased_work.find_to_send` does."""
    return leased_work.find_to_send(WORK)


def keep_lease(request: BinderRequest, progress: ExportProgress) -> None:
    """Renew the lease of this attempt and say how far it is; of an attempt that is over nothing is changed."""
    BinderRequest.objects.filter(leased_work.held_by(request)).update(
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


def _is_there(request: BinderRequest, newest: Binder) -> bool:
    return request.state == BinderRequest.State.DONE or newest.created_at > request.queued_at


def _export_and_finish(request: BinderRequest) -> None:
    progress = ExportProgress()
    with _lease_kept(request, progress):
        binder = _export(request, progress)
    with transaction.atomic():
        keep_lease(request, progress)
        leased_work.finish(WORK, request, binder=binder)


def _export(request: BinderRequest, progress: ExportProgress) -> Binder:
    asked = AskedScope(
        system=request.system,
        release=request.release,
        baseline=request.baseline,
        period_from=request.period_from,
        period_to=request.period_to,
        as_of=request.as_of,
    )
    return binders.export_binder(
        principal=principal_of_actor(request.requested_by), asked=asked, progress=progress
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


WORK: Final = WorkKind(
    rows=lambda: BinderRequest.objects.select_related("system", "release"),
    lease=lambda: LEASE,
    noun="binder",
    actor=ACTOR,
    system_of=lambda request: request.system,
    digest_of=lambda _: "",
    readable=(EvidenceError,),
)
