"""Which versions a release pins that nobody has registered."""

from __future__ import annotations

from typing import Final

from django.db.models import Exists, OuterRef, Q

from evidence.clock import AsOf
from evidence.models import Registration, Release, ReleasePin

HOW_TO_REGISTER: Final = "`tracebinder register-versions`, or POST /api/v1/versions/registrations"


def unregistered_pins(release: Release, as_of: AsOf | None = None) -> list[ReleasePin]:
    """Return the pins whose versions had no registration at a time, by default now, in the order of their slots."""
    known = Registration.objects.filter(
        as_of.knew("created_at") if as_of else Q(), version=OuterRef("version")
    )
    pins = release.pins.filter(~Exists(known)).select_related("version__artefact").order_by("slot")
    return list(pins)


def say_unregistered(pin: ReleasePin) -> str:
    """Say of a pin that its version is not registered, and what registers it."""
    return f"the release pins {pin.version} as {pin.slot}, which nobody registered; register it: {HOW_TO_REGISTER}"
