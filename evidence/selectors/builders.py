"""Who built a release: the people whose act put it, or what it pins, on record, or vouched for what it pins."""

from __future__ import annotations

from evidence.actors import person_behind
from evidence.clock import AsOf
from evidence.models import Registration, Release


def builders_of(release: Release, as_of: AsOf) -> frozenset[str]:
    """Return the people who built a release, each by their pseudonym; a token counts as its owner."""
    pinned = release.pins.values_list("version__created_by", flat=True)
    vouched = Registration.objects.filter(
        as_of.knew("created_at"), version__release_pins__release=release
    ).values_list("registered_by", flat=True)
    return frozenset(person_behind(actor) for actor in {release.created_by, *pinned, *vouched})
