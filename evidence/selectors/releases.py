"""Releases by what they pin."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import QuerySet

from evidence.models import Release, ReleasePin


def releases_alike(release: Release) -> QuerySet[Any]:
    """Return the releases of a system that pin what this one does, itself among them.

    Neither what a release is called tells it from another, nor what its slots are, nor a version that it pins twice.
    """
    pins = ReleasePin.objects.filter(release=release)
    digests = sorted(set(pins.values_list("version__digest", flat=True)))
    with_one_of_them = ReleasePin.objects.filter(version__digest=digests[0]).values("release")
    pinned = ArrayAgg("pins__version__digest", distinct=True, order_by="pins__version__digest")
    releases = Release.objects.filter(system=release.system_id, pk__in=with_one_of_them)
    return releases.annotate(pinned=pinned).filter(pinned=digests)
