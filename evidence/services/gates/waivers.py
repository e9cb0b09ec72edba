"""Waivers: a named second person lets a release past one unmet criterion, until a date, for a reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from evidence import acts, clock
from evidence.access import Principal
from evidence.actors import actor_named
from evidence.errors import InvalidInput
from evidence.limits import check_count
from evidence.models import Release, Waiver
from evidence.services import audit

LONGEST: Final = timedelta(days=90)  # a waiver that lasts longer is a changed requirement


@transaction.atomic
def record_waiver(
    *,
    principal: Principal,
    release: Release,
    criterion_ref: str,
    reason: str,
    requested_by: str,
    expires_at: datetime,
) -> Waiver:
    """Store a waiver; the same again returns the first row.

    Args:
        criterion_ref: "<requirement key>/<criterion key>".
        requested_by: who asks, a member of the system: `user:<name>` as they are called today, or an actor.
        expires_at: aware, in the future, at most 90 days away.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_waive` does.
        InvalidInput: no reason, no such form of reference, an expiry that is over or too far away, nobody of the
            system asks, or the release has as many waivers as it may.
    """
    asker = actor_named(requested_by)
    acts.check_can_waive(principal, release, requested_by=asker)
    _check_says_enough(criterion_ref, reason, expires_at)
    waiver, created = Waiver.objects.get_or_create(
        system=release.system,
        release=release,
        criterion_ref=criterion_ref,
        reason=reason,
        requested_by=asker,
        approved_by=principal.actor,
        expires_at=expires_at,
    )
    if created:
        in_force = Waiver.objects.filter(release=release, expires_at__gt=clock.now())
        check_count(in_force.count(), "MAX_WAIVERS", f"The waivers of release {release.name}")
        payload = {"criterion": criterion_ref, "reason": reason, "expires_at": expires_at.isoformat()}
        audit.record(
            verb="waiver.recorded", actor=principal.actor, obj=waiver, system=release.system, digest=release.digest,
            payload=payload,
        )  # fmt: skip
    return waiver


def _check_says_enough(criterion_ref: str, reason: str, expires_at: datetime) -> None:
    if not reason.strip():
        raise InvalidInput("A waiver says why: give a reason.")
    if criterion_ref.count("/") != 1 or not all(criterion_ref.split("/")):
        raise InvalidInput("criterion_ref is '<requirement key>/<criterion key>'.")
    now = clock.now()
    if not now < expires_at <= now + LONGEST:
        raise InvalidInput(f"A waiver expires in the future and within {LONGEST.days} days.")
