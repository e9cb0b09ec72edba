"""Celery's doors to `evidence`: each wakes a service and holds no rule of its own.

Which queue a task goes to is in `settings.CELERY_TASK_ROUTES`; why, in docs/decisions/0021-workers-and-work.md.
"""

from __future__ import annotations

from typing import Final

from celery import shared_task
from django.conf import settings
from django.db import OperationalError

from evidence.errors import BlobStoreAway, EvidenceError
from evidence.services import (
    assembly,
    binder_requests,
    blob_checks,
    blob_sweep,
    gold,
    ingest,
    log,
    review_drafts,
    review_queue,
)
from evidence.services.disposal import blob_removal, retention
from evidence.services.people.sessions import remove_ended_sessions as remove_sessions
from evidence.time_budget import TimeBudget

_AWAY: Final = (OperationalError, BlobStoreAway)  # database or blob store: a later try may find them


@shared_task(
    autoretry_for=_AWAY,  # the work rows are still there
    retry_backoff=True,
    max_retries=3,
    expires=30,  # seconds; beat sends the next one anyway
    soft_time_limit=settings.ASSEMBLY_SOFT_LIMIT,  # seconds; what was not committed is still a work row
    time_limit=settings.ASSEMBLY_HARD_LIMIT,  # seconds; a trace that hangs ends its process
)
def assemble_traces() -> None:
    """Assemble the traces that have gone quiet, until none is due or the time is over; beat sends the next call."""
    assembly.assemble_backlog(TimeBudget.of(settings.ASSEMBLY_BUDGET), limit=settings.ASSEMBLY_BATCH)


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3, expires=30)
def sequence_events() -> None:
    """Give the audit events that have no leaf yet their place in the log, until none waits or the time is over."""
    log.sequence_backlog(TimeBudget.of(settings.SEQUENCE_BUDGET), limit=settings.SEQUENCE_BATCH)


@shared_task(
    autoretry_for=(OperationalError,),
    retry_backoff=True,
    max_retries=3,
    time_limit=settings.EXPORT_HARD_LIMIT,  # seconds
)
def find_missed_events() -> None:
    """Look through the whole log for an event without a place, which the everyday search would not see."""
    if log.has_missed_events():
        sequence_missed_events.delay()


@shared_task(
    autoretry_for=(OperationalError,),
    retry_backoff=True,
    max_retries=3,
    time_limit=settings.EXPORT_HARD_LIMIT,  # seconds
)
def sequence_missed_events() -> None:
    """Give the events that were found their place; only the log worker may."""
    log.sequence_events(limit=settings.SEQUENCE_BATCH, full_search=True)


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3)
def bring_log_up_to_date() -> None:
    """Sequence and sign what is on record, for somebody who waits for it."""
    log.bring_log_up_to_date(TimeBudget.of(settings.SEQUENCE_BUDGET))
    _have_it_attested()


@shared_task(
    autoretry_for=(OperationalError,),
    retry_backoff=True,
    max_retries=3,
    expires=60,
    time_limit=4 * settings.WITNESS_TIMEOUT + 30,  # seconds; each is asked twice at most, all of them at once
)
def ask_witnesses() -> None:
    """Ask others about the newest checkpoint, and hand what they say to the log worker."""
    said = log.ask_about_newest()
    if said:
        keep_attestations.delay(said.size, list(said.cosignatures), said.timestamp)


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3, throws=(EvidenceError,))
def keep_attestations(size: int, cosignatures: list[str], timestamp: str) -> None:
    """Keep what was said of a checkpoint, after looking at it again."""
    log.keep_attestations(log.Attestations(size, tuple(cosignatures), timestamp))


def _have_it_attested() -> None:
    if log.is_to_be_attested():
        ask_witnesses.delay()


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3, expires=60)
def sign_checkpoint() -> None:
    """Sign the head of the log, after computing it a second way."""
    log.sign_checkpoint()
    _have_it_attested()


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3)
def make_partitions() -> None:
    """Make the span partitions of the months ahead."""
    ingest.ensure_partitions()


@shared_task(
    autoretry_for=_AWAY,
    retry_backoff=True,
    max_retries=3,
    expires=3600,  # seconds
    time_limit=settings.EXPORT_HARD_LIMIT,  # seconds; what was disposed of by then is on record, the next call goes on
)
def apply_retention() -> None:
    """Take away what is older than its retention period, and files that removed blobs or nobody left."""
    retention.apply_retention()
    blob_removal.sweep_removed()
    blob_sweep.sweep_unreferenced()


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3, expires=3600)
def remove_ended_sessions() -> None:
    """Take away the sessions that are over, and what was typed and kept in them."""
    remove_sessions()


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3, expires=30)
def record_decided_reviews() -> None:
    """Put on record what reviewers decided and did not take back."""
    review_drafts.record_decided()


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3, expires=60)
def draw_gold_answers() -> None:
    """Give gold answers to the reviewers who have judged enough others since their last."""
    gold.draw_gold()


@shared_task(
    autoretry_for=(OperationalError,),
    retry_backoff=True,
    max_retries=3,
    expires=3600,
    time_limit=settings.EXPORT_HARD_LIMIT,  # seconds; what was mended by then stays so
)
def mend_review_queue() -> None:
    """Bring the queue of reviews up to what was said by servers that know none, while they are being replaced."""
    review_queue.mend_queue()


@shared_task(
    autoretry_for=(OperationalError,),
    retry_backoff=True,
    max_retries=3,
    expires=3600,
    time_limit=settings.EXPORT_HARD_LIMIT,  # seconds
)
def check_blobs() -> None:
    """See that every blob has a file of its size, and keep what was found for `readyz`."""
    blob_checks.note_check(blob_checks.check_blobs(reads=False))


@shared_task(
    throws=(EvidenceError,),  # expected: stored on the row, logged without a traceback
    soft_time_limit=settings.EXPORT_HARD_LIMIT - 300,  # seconds; the request is stored as failed
    time_limit=settings.EXPORT_HARD_LIMIT,  # seconds; the worker dies, and with it the renewing of its lease
)
def export_binder(request_id: int) -> None:
    """Carry out the `BinderRequest` of this id. Delivered twice, it is exported once."""
    binder_requests.carry_out_request(request_id)


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3, expires=60)
def resend_binder_requests() -> None:
    """Tell the export worker again of requests that nobody holds."""
    for request_id in binder_requests.find_requests_to_send():
        export_binder.delay(request_id)
