"""Systems: what everything else on record belongs to."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from evidence.errors import ConflictingContent
from evidence.models import System
from evidence.services import audit


@transaction.atomic
def register_system(*, key: str, name: str, risk_tier: str, owner: User, actor: str) -> System:
    """Put a system on record; the same key again returns the first row.

    Raises:
        ConflictingContent: the key is taken by a system of another name or risk tier.
    """
    system, created = System.objects.get_or_create(
        key=key, defaults={"name": name, "risk_tier": risk_tier, "owner": owner}
    )
    if created:
        audit.record(verb="system.registered", actor=actor, obj=system, system=system)
    elif (system.name, system.risk_tier) != (name, risk_tier):
        raise ConflictingContent(
            f"System {key!r} is registered as {system.name!r}, risk tier {system.risk_tier}."
        )
    return system
