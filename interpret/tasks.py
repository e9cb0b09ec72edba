"""Celery's doors to `interpret`: each wakes a service and holds no rule of its own.

`run_probe` goes to the queue `interpret`, whose worker has torch and a database role that may carry out runs and
nothing else; the other two go to the default queue. No `acks_late`: the rows are the truth, and a message too many
finds nothing free.
"""

from __future__ import annotations

import logging

from celery import shared_task
from django.conf import settings
from django.db import OperationalError
from kombu.exceptions import OperationalError as BrokerAway

from evidence.errors import LeaseLost
from interpret.errors import InterpretError
from interpret.services import attachment, execution

logger = logging.getLogger(__name__)
SHORT = 0.1  # of the soft limit: a call that has worked longer begins no other part


@shared_task(
    autoretry_for=(OperationalError,),  # the database was away; a claim, if made, ends with its lease
    retry_backoff=True,
    max_retries=5,
    throws=(InterpretError, LeaseLost),  # expected: stored on the row, logged without a traceback
    soft_time_limit=settings.PROBE_SOFT_LIMIT,  # seconds of a call; the run is stored as failed
    time_limit=settings.PROBE_HARD_LIMIT,  # seconds; the worker dies, the lease frees the part
)
def run_probe(run_id: int) -> None:
    """Do what of the `ProbeRun` of this id is free. Delivered twice, no part is measured twice."""

    def tell() -> None:
        try:
            run_probe.delay(run_id)
        except BrokerAway as exc:
            logger.warning("probe run %s is left to this worker, and then to beat: %s", run_id, exc)

    execution.execute_probe_run(run_id, tell=tell, seconds=settings.PROBE_SOFT_LIMIT * SHORT)


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3, expires=60)
def resend_stale_runs() -> None:
    """Tell the interpret worker again of runs that nobody holds."""
    for run_id in execution.find_runs_to_send():
        run_probe.delay(run_id)


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3, expires=30)
def attach_findings() -> None:
    """Put the findings of finished runs forward as evidence, and see that what counters has opened a doubt."""
    attachment.attach_findings()
    attachment.open_earlier_doubts()
