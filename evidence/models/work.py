"""Work that a worker is to do, as a row: the truth, of which a message to the broker is only the herald."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import models

from evidence.models.base import LABEL_LENGTH, StoredModel

MAX_ATTEMPTS: Final = 3  # work that has ended its workers this often is not sent again
PATIENCE: Final = timedelta(days=1)  # so long after it first got in the way, what passes has not passed


class LeasedWork(StoredModel):
    """Work that waits, is claimed by a filtered UPDATE with a lease, and ends (`evidence.services.leased_work`)."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)  # those that were put back do not count
    lease_until = models.DateTimeField(null=True)  # work whose lease is over may be claimed again
    worker = models.CharField(max_length=LABEL_LENGTH, blank=True)
    error = models.TextField(blank=True)  # of the last attempt; whoever asked may read it
    queued_at = models.DateTimeField()  # our clock, as all of these
    sent_at = models.DateTimeField(null=True)  # when the broker was last told of it
    started_at = models.DateTimeField(null=True)  # of the last attempt
    finished_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True
