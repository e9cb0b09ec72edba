"""Which versions a release pins that nobody has registered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db.models import Exists, OuterRef, Q

from evidence.clock import AsOf
from evidence.models import Registration, Release, ReleasePin

HOW_TO_REGISTER: Final = "`tracebinder register-versions`, or POST /api/v1/versions/registrations"
_NAMED: Final = 5  # pins


def unregistered_pins(release: Release, as_of: AsOf | None = None) -> list[ReleasePin]:
    """Return the pins whose versions had no registration at a time, by default now, in the order of their slots."""
    known = Registration.objects.filter(
        as_of.knew("created_at") if as_of else Q(), version=OuterRef("version")
    )
    pins = release.pins.filter(~Exists(known)).select_related("version__artefact").order_by("slot")
    return list(pins)


def say_unregistered(pins: Sequence[ReleasePin]) -> str:
    """Say of pins that nobody registered their versions, and what does; beyond a few, how many more there are."""
    named = ", ".join(f"{pin.version} as {pin.slot}" for pin in pins[:_NAMED])
    more = f" and {len(pins) - _NAMED} more" if len(pins) > _NAMED else ""
    return f"the release pins what nobody registered: {named}{more} (to register: {HOW_TO_REGISTER})"
