"""Reading waivers: which are in force at a moment."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from evidence.models import Release, Waiver


def waivers_in_force(release: Release, as_of: datetime) -> QuerySet[Waiver]:
    """Return the waivers of a release that are in force at `as_of`, in the order in which they were granted."""
    return Waiver.objects.filter(release=release, created_at__lte=as_of, expires_at__gt=as_of).order_by("pk")


def is_in_force(waiver: Waiver, as_of: datetime) -> bool:
    """Tell the same of one waiver."""
    return waiver.created_at <= as_of < waiver.expires_at
