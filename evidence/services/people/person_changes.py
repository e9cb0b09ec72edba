"""People on record: what was changed of whom, by whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.actors import actor_of_user
from evidence.services import audit

ROLE_FIELDS: Final = frozenset({"groups", "is_staff", "is_active"})  # what nobody changes of themselves
SUPERUSER_FIELDS: Final = frozenset({"is_superuser", "user_permissions"})  # rights beyond the role table


@transaction.atomic
def record_person_added(*, principal: Principal, person: User, fields: Iterable[str]) -> None:
    """Put on record who added a person, in the transaction that did.

    Args:
        fields: what was filled in.

    Raises:
        AccessDenied: as `acts.check_can_add_person` does, and `acts.check_can_make_superuser` for such rights.
    """
    acts.check_can_add_person(principal)
    if person.is_superuser or SUPERUSER_FIELDS & set(fields):
        acts.check_can_make_superuser(principal)
    _record("person.added", principal, person, fields)


@transaction.atomic
def record_person_changed(*, principal: Principal, person: User, fields: Iterable[str]) -> None:
    """Put on record who changed what of a person, in the transaction that did.

    Raises:
        AccessDenied: as the acts for a change, for roles, and for rights beyond the role table do.
    """
    acts.check_can_change_person(principal, person)
    if ROLE_FIELDS & set(fields):
        acts.check_can_change_roles(principal, person)
    if SUPERUSER_FIELDS & set(fields):
        acts.check_can_make_superuser(principal)
    _record("person.changed", principal, person, fields)


def _record(verb: str, principal: Principal, person: User, fields: Iterable[str]) -> None:
    payload = {
        "person": actor_of_user(person),
        "roles": sorted(person.groups.values_list("name", flat=True)),
        "active": person.is_active,
        "changed": sorted(set(fields) - {"password1", "password2"}),
    }
    audit.record(verb=verb, actor=principal.actor, obj=person, payload=payload)
