"""Systems: what everything else on record belongs to."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.errors import ConflictingContent
from evidence.models import System
from evidence.services import audit


@transaction.atomic
def register_system(*, principal: Principal, key: str, name: str, risk_tier: str, owner: User) -> System:
    """Put a system on record; the same key again returns the first row.

    Raises:
        AccessDenied: as `acts.check_can_register_system` does.
        ConflictingContent: the key is taken by a system of another name or risk tier.
    """
    acts.check_can_register_system(principal)
    system, created = System.objects.get_or_create(
        key=key, defaults={"name": name, "risk_tier": risk_tier, "owner": owner}
    )
    if created:
        audit.record(verb="system.registered", actor=principal.actor, obj=system, system=system)
    elif (system.name, system.risk_tier) != (name, risk_tier):
        raise ConflictingContent(
            f"System {key!r} is registered as {system.name!r}, risk tier {system.risk_tier}."
        )
    return system
