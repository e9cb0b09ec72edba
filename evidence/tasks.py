"""Celery's doors to `evidence`: each wakes a service and holds no rule of its own."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import OperationalError

from evidence.services import assembly, binders, blob_checks, ingest, log
from evidence.services.binders import LogBusy
from evidence.services.disposal import blob_removal, retention


@shared_task(
    autoretry_for=(OperationalError,),  # the database was away; the work rows are still there
    retry_backoff=True,
    max_retries=3,
    expires=30,  # seconds; beat sends the next one anyway
    # seconds; a trace that hangs ends its process, and what was not committed is still a work row
    time_limit=15 * 60,
)
def assemble_traces() -> None:
    """Assemble the traces that have gone quiet, until none is due."""
    while assembly.assemble_due_traces(limit=settings.ASSEMBLY_BATCH) == settings.ASSEMBLY_BATCH:
        pass


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3, expires=30)
def sequence_events() -> None:
    """Give the audit events that have no leaf yet their place in the log, until none waits."""
    while log.sequence_events(limit=settings.SEQUENCE_BATCH) == settings.SEQUENCE_BATCH:
        pass


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3)
def find_missed_events() -> None:
    """Look through the whole log for an event without a place, which the everyday search would not see."""
    log.sequence_events(limit=settings.SEQUENCE_BATCH, full_search=True)


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3, expires=60)
def sign_checkpoint() -> None:
    """Sign the head of the log, after computing it a second way."""
    log.sign_checkpoint()


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3)
def make_partitions() -> None:
    """Make the span partitions of the months ahead."""
    ingest.ensure_partitions()


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3, expires=3600)
def apply_retention() -> None:
    """Take away what is older than its retention period, and files of removed blobs that are there again."""
    retention.apply_retention()
    blob_removal.sweep_removed()


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3, expires=3600)
def check_blobs() -> None:
    """See that every blob has a file of its size, and keep what was found for `readyz`."""
    blob_checks.note_check(blob_checks.check_blobs(reads=False))


@shared_task(
    autoretry_for=(OperationalError, LogBusy),  # the same scope asked again gives the same bytes
    retry_backoff=True,
    max_retries=5,
    soft_time_limit=55 * 60,  # seconds
    time_limit=60 * 60,  # seconds
)
def export_binder(**asked: Any) -> None:
    """Export a binder; the arguments are those of `binders.export_binder_by_ids`."""
    binders.export_binder_by_ids(**asked)
