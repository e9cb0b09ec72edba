"""Celery's doors to `requirements`: each wakes a service and holds no rule of its own."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings
from django.db import OperationalError

from evidence.time_budget import TimeBudget
from requirements.services import due_assessments


@shared_task(
    autoretry_for=(OperationalError,),  # the database was away; a claim ends with its lease
    retry_backoff=True,
    max_retries=3,
    expires=60,  # seconds; beat sends the next one anyway
)
def assess_due() -> None:
    """Assess what new facts touch, until nothing is due or the time is over; beat sends the next call."""
    due_assessments.assess_due(TimeBudget.of(settings.ASSESS_BUDGET), limit=settings.ASSESS_BATCH)
