"""Runs that failed and that nobody asked for again: what a researcher still has to look into."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from interpret.models import ProbeRun


def failed_for_good(runs: QuerySet[ProbeRun]) -> QuerySet[ProbeRun]:
    """Return the failed runs after which the same was not asked for again, or only in runs that were cancelled."""
    later = ProbeRun.objects.filter(spec=OuterRef("spec"), release=OuterRef("release"), pk__gt=OuterRef("pk"))
    return runs.filter(~Exists(later.exclude(state=ProbeRun.State.CANCELLED)), state=ProbeRun.State.FAILED)
