"""Moments: times at which it was put on record what had been committed."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from evidence.models.base import AppendOnlyModel


class Moment(AppendOnlyModel):
    """A time, and which transactions had been committed by then. Kept and read by `evidence.clock`."""

    SYSTEM_PATH = None
    NO_SYSTEM: ClassVar[str] = "transactions are numbered for the whole database"
    PII = "none"
    EVENT_PATH = None
    NO_EVENT = "a note of the clock, made before whatever is decided as of it"

    at = models.DateTimeField(unique=True)  # our clock; later than every moment before
    before = models.BigIntegerField()  # transactions from this number on had not begun
    running = ArrayField(models.BigIntegerField())  # transactions below it that had not ended
