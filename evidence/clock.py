"""Our clock: the one place that asks what time it is. Senders' clocks are data and never come through here."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """Return the time, aware, UTC, to the microsecond."""
    return timezone.now()
