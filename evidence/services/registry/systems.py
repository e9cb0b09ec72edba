"""Systems: what everything else on record belongs to."""

from __future__ import annotations

from dataclasses import replace

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from evidence import acts, locks
from evidence.access import Principal
from evidence.errors import ConflictingContent, InvalidInput
from evidence.models import Membership, System
from evidence.roles import beyond_one_operator, roles_of
from evidence.services import audit
from evidence.services.people.memberships import add_member, grant_membership
from evidence.services.registry.service_names import is_service_of_any
from evidence.texts import check_texts
from evidence.worded import worded


@transaction.atomic
def register_system(*, principal: Principal, key: str, name: str, risk_tier: str, owner: User) -> System:
    """Put a system on record; the same key again returns the first row.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_register_system` does.
        InvalidInput: a key that no address could hold, an empty name, or a risk tier that there is not.
        ConflictingContent: the key is taken by a system of another name, risk tier or owner, or, where somebody who
            signed in registers it, by one that they are no member of.
    """
    system, _created = _put_on_record(principal, key, name, risk_tier, owner)
    return system


@transaction.atomic
def open_system(*, principal: Principal, key: str, name: str, risk_tier: str, owner: User) -> System:
    """Put a system on record, with those who see it from the first: whoever signed in to register it, and its owner.

    An owner whose sight is not for one operator to give is left to those who may give it. The same key again changes
    nothing.

    Raises:
        AccessDenied, NotFound, InvalidInput, ConflictingContent: as `register_system` does.
        NotYetSigned: as `acts.check_can_grant_membership` does, for the owner.
    """
    system, created = _put_on_record(principal, key, name, risk_tier, owner)
    if not created:
        return system
    if principal.user is not None:
        add_member(actor=principal.actor, system=system, user=principal.user)
    member = replace(principal, system_ids=principal.system_ids | {system.pk})
    takes_more = principal.user is not None and beyond_one_operator(roles_of(owner))
    if owner != principal.user and not takes_more:
        grant_membership(principal=member, system=system, user=owner)
    return system


def _put_on_record(
    principal: Principal, key: str, name: str, risk_tier: str, owner: User
) -> tuple[System, bool]:
    """Return the system of a key, and whether it is a new one."""
    acts.check_can_register_system(principal, owner)
    _check_fields(key, name, risk_tier)
    locks.hold(locks.Lock.SERVICE, key)
    if not System.objects.filter(key=key).exists() and is_service_of_any(key):
        raise ConflictingContent(
            worded(
                "%(key)s is a service that was declared to be part of a system: choose another.",
                key=repr(key),
            )
        )
    system, created = System.objects.select_related("owner").get_or_create(
        key=key, defaults={"name": name, "risk_tier": risk_tier, "owner": owner}
    )
    if created:
        audit.record(verb="system.registered", actor=principal.actor, obj=system, system=system)
    elif principal.user is not None and not _is_of(principal.user, principal, system):
        raise ConflictingContent(
            worded("The key %(key)s is taken by a system that is not yours: choose another.", key=repr(key))
        )
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
    return system, created


def _is_of(person: User, principal: Principal, system: System) -> bool:
    """Whether a system is somebody's by now: by a form that was sent twice it may be since they were looked up."""
    since = Membership.objects.filter(system=system, user=person.pk)
    return system.pk in principal.system_ids or since.exists()


def _check_fields(key: str, name: str, risk_tier: str) -> None:
    check_texts(System, key=key, name=name)
    try:
        System(key=key, name=name, risk_tier=risk_tier).clean_fields(exclude=["owner"])
    except ValidationError as exc:
        faults = [f"{field}: {' '.join(messages)}" for field, messages in exc.message_dict.items()]
        raise InvalidInput(
            worded("System %(key)s cannot be registered. %(faults)s", key=repr(key), faults=" ".join(faults))
        ) from exc
