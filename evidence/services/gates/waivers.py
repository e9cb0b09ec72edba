"""Waivers: a named second person lets a release past one unmet criterion, until a date, for a reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from evidence import clock
from evidence.actors import is_member, same_person
from evidence.errors import AccessDenied, InvalidInput
from evidence.models import Release, Waiver
from evidence.roles import is_approver
from evidence.services import audit

LONGEST: Final = timedelta(days=90)  # a waiver that lasts longer is a changed requirement


@transaction.atomic
def record_waiver(
    *,
    release: Release,
    criterion_ref: str,
    reason: str,
    requested_by: str,
    approver: User,
    expires_at: datetime,
) -> Waiver:
    """Store a waiver; the same again returns the first row.

    Args:
        criterion_ref: "<requirement key>/<criterion key>".
        requested_by: who asks, `user:<name>` or `token:<prefix>`: a member of the system.
        approver: a person with that role, member of the system, who signed in.
        expires_at: aware, in the future, at most 90 days away.

    Raises:
        AccessDenied: the approver is none, or asked for it, directly or through a token, or made the release.
        InvalidInput: no reason, no such form of reference, or an expiry that is over or too far away.
    """
    now = clock.now()
    if not reason.strip():
        raise InvalidInput("A waiver says why: give a reason.")
    if criterion_ref.count("/") != 1 or not all(criterion_ref.split("/")):
        raise InvalidInput("criterion_ref is '<requirement key>/<criterion key>'.")
    if not now < expires_at <= now + LONGEST:
        raise InvalidInput(f"A waiver expires in the future and within {LONGEST.days} days.")
    approved_by = f"user:{approver.get_username()}"
    if not is_approver(approver) or not is_member(approved_by, release.system):
        raise AccessDenied("A waiver is approved by an approver of the system.")
    if not is_member(requested_by, release.system):
        raise InvalidInput(f"requested_by names no member of {release.system.key!r}: {requested_by!r}.")
    if same_person(requested_by, approved_by):
        raise AccessDenied("Nobody waives what they asked for: a second person must approve.")
    if same_person(release.created_by, approved_by):
        raise AccessDenied("Whoever put the release on record may not waive a criterion for it.")
    waiver, created = Waiver.objects.get_or_create(
        system=release.system,
        release=release,
        criterion_ref=criterion_ref,
        reason=reason,
        requested_by=requested_by,
        approved_by=approved_by,
        expires_at=expires_at,
    )
    if not created:
        return waiver
    audit.record(
        verb="waiver.recorded",
        actor=approved_by,
        obj=waiver,
        system=release.system,
        digest=release.digest,
        payload={"criterion": criterion_ref, "reason": reason, "expires_at": expires_at.isoformat()},
    )
    return waiver
