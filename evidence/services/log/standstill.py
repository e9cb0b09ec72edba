"""Does the log go on: is what is on record given its place, and is that signed? Two reads of a few rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Max

from evidence import clock
from evidence.models import AuditEvent
from evidence.models.audit import Checkpoint, Leaf
from evidence.worded import worded

INTERVALS: Final = 5  # checkpoint intervals that an entry may wait for its place, and again for its signature


def find_standstill() -> str:
    """Return what keeps waiting, in words; empty where the log goes on.

    Whatever it is that stops the worker of the log each time (a key that did not sign the last checkpoint, tables that
    contradict each other, a database restored from a dump), this is how long it has.
    """
    long_ago = clock.now() - timedelta(seconds=INTERVALS * settings.CHECKPOINT_INTERVAL)
    since = _unsequenced_since()
    if since is not None and since < long_ago:
        return worded(
            "what was done since %(since)s UTC has no place in the log yet. %(where)s",
            since=f"{since:%Y-%m-%d %H:%M}",
            where=_WHERE,
        )
    since = _unsigned_since()
    if since is not None and since < long_ago:
        return worded(
            "no checkpoint was signed over what was done since %(since)s UTC. %(where)s",
            since=f"{since:%Y-%m-%d %H:%M}",
            where=_WHERE,
        )
    return ""


_WHERE: Final = worded(
    "The worker of the queue `log` says why; `manage.py verify_log` looks through all of it."
)


def _unsequenced_since() -> datetime | None:
    """Return the time of the first event after the newest that has a leaf; None where there is none.

    One that was committed late stands before it, and the next call of the sequencer finds it.
    """
    newest = Leaf.objects.aggregate(newest=Max("event_id"))["newest"]
    after = AuditEvent.objects.filter(pk__gt=newest or 0).order_by("pk")
    return after.values_list("occurred_at", flat=True).first()


def _unsigned_since() -> datetime | None:
    """Return the time of the first event whose leaf no checkpoint covers; None where there is none."""
    signed = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first()
    after = Leaf.objects.filter(seq__gte=signed or 0).order_by("seq")
    return after.values_list("event__occurred_at", flat=True).first()
