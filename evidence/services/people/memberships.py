"""Who may see the records of which system."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from evidence.models import Membership, System
from evidence.services import audit


@transaction.atomic
def grant_membership(*, system: System, user: User, actor: str) -> Membership:
    """Let a person see the records of a system; granting it again changes nothing."""
    membership, created = Membership.objects.get_or_create(system=system, user=user)
    if created:
        payload = {"user": user.get_username()}
        audit.record(verb="membership.granted", actor=actor, obj=membership, system=system, payload=payload)
    return membership


@transaction.atomic
def end_membership(*, membership: Membership, actor: str) -> None:
    """Take a person's sight of a system away, from the next request on."""
    payload = {"user": membership.user.get_username()}
    audit.record(
        verb="membership.ended", actor=actor, obj=membership, system=membership.system, payload=payload
    )
    membership.delete()
