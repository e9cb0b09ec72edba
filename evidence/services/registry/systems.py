"""Systems: what everything else on record belongs to."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.errors import ConflictingContent, InvalidInput
from evidence.models import System
from evidence.services import audit
from evidence.texts import check_texts
from evidence.worded import worded


@transaction.atomic
def register_system(*, principal: Principal, key: str, name: str, risk_tier: str, owner: User) -> System:
    """Put a system on record; the same key again returns the first row.

    Raises:
        AccessDenied: as `acts.check_can_register_system` does.
        InvalidInput: a key that no address could hold, an empty name, or a risk tier that there is not.
        ConflictingContent: the key is taken by a system of another name, risk tier or owner.
    """
    acts.check_can_register_system(principal)
    _check_fields(key, name, risk_tier)
    system, created = System.objects.select_related("owner").get_or_create(
        key=key, defaults={"name": name, "risk_tier": risk_tier, "owner": owner}
    )
    if created:
        audit.record(verb="system.registered", actor=principal.actor, obj=system, system=system)
    elif (system.name, system.risk_tier, system.owner_id) != (name, risk_tier, owner.pk):
        raise ConflictingContent(
            worded(
                "System %(key)s is registered as %(system_name)s, risk tier %(risk_tier)s, owned by "
                "%(owner)s.",
                key=repr(key),
                system_name=repr(system.name),
                risk_tier=system.risk_tier,
                owner=system.owner.get_username(),
            )
        )
    return system


def _check_fields(key: str, name: str, risk_tier: str) -> None:
    check_texts(System, key=key, name=name)
    try:
        System(key=key, name=name, risk_tier=risk_tier).clean_fields(exclude=["owner"])
    except ValidationError as exc:
        faults = [f"{field}: {' '.join(messages)}" for field, messages in exc.message_dict.items()]
        raise InvalidInput(
            worded("System %(key)s cannot be registered. %(faults)s", key=repr(key), faults=" ".join(faults))
        ) from exc
