"""Having the log take what is on record now, and sign it: here where that may be done, else by the log worker."""

from __future__ import annotations

import time
from typing import Final

from celery import current_app
from django.conf import settings
from django.db.models import Max, QuerySet
from kombu.exceptions import OperationalError as BrokerAway

from evidence.models import AuditEvent
from evidence.models.audit import Checkpoint, Leaf
from evidence.services.keys.holders import holds_log_key
from evidence.services.log.asking import ask_about_newest, attested
from evidence.services.log.errors import LogBusy
from evidence.services.log.keeping import keep_attestations
from evidence.services.log.role import may_write_log
from evidence.services.log.sequencing import sequence_backlog
from evidence.services.log.signing import sign_checkpoint
from evidence.time_budget import TimeBudget
from evidence.worded import worded

_PAUSE: Final = 0.05  # seconds between two looks whether the log worker is done


def bring_log_up_to_date(budget: TimeBudget) -> None:
    """Have the log take what is on record now and sign it, as far as time and other processes allow.

    Raises:
        LogBusy: the log worker was asked, and did not do it in time.
        LogForked, LogInconsistent, LogKeyUnusable: where this process signs itself, as `sign_checkpoint` does.
    """
    if not may_write_log():
        _have_it_done(budget)
        return
    sequence_backlog(budget)
    if holds_log_key():
        sign_checkpoint()


def bring_attestations(checkpoints: QuerySet[Checkpoint], budget: TimeBudget) -> Checkpoint | None:
    """Return the first of some checkpoints that witnesses and the time-stamping authority of the settings attested.

    Where none is yet, they are waited for until the budget is spent; then the first of all is returned. None where
    there is no checkpoint.
    """
    while (found := attested(checkpoints).order_by("size").first()) is None and not budget.is_spent():
        if may_write_log():
            said = ask_about_newest()
            if said:
                keep_attestations(said)
            return attested(checkpoints).order_by("size").first() or checkpoints.order_by("size").first()
        time.sleep(_PAUSE)
    return found or checkpoints.order_by("size").first()


def _have_it_done(budget: TimeBudget) -> None:
    newest = AuditEvent.objects.aggregate(newest=Max("pk"))["newest"]
    if newest is None or _is_signed(newest):
        return
    try:
        # By name: services do not import tasks. One that nobody takes in time is of no use to anybody.
        current_app.send_task(settings.LOG_TASK, expires=settings.CHECKPOINT_INTERVAL, retry=False)
    except BrokerAway as exc:
        raise LogBusy(
            worded("The log worker cannot be asked, because the broker is away; ask again.")
        ) from exc
    while not _is_signed(newest):
        if budget.is_spent():
            raise LogBusy(
                worded(
                    "The log worker did not sign what is on record in time; ask again. Where this goes "
                    "on, see that the worker of the queue `log` runs: `/readyz` says.",
                )
            )
        time.sleep(_PAUSE)


def _is_signed(event_id: int) -> bool:
    seq = Leaf.objects.filter(event_id=event_id).values_list("seq", flat=True).first()
    return seq is not None and Checkpoint.objects.filter(size__gt=seq).exists()
