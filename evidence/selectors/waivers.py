"""Reading waivers: which are in force at a moment."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from evidence.clock import AsOf
from evidence.models import Release, Waiver


def waivers_in_force(release: Release, as_of: AsOf) -> QuerySet[Waiver]:
    """Return the waivers of a release that are in force at `as_of`, in the order in which they were granted."""
    return Waiver.objects.filter(as_of.knew("created_at"), release=release, expires_at__gt=as_of.at).order_by(
        "pk"
    )


def is_in_force(waiver: Waiver, time: datetime) -> bool:
    """Tell of one waiver on record whether it is in force at a time."""
    return waiver.created_at <= time < waiver.expires_at
