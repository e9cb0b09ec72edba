"""People on record: what was changed of whom, by whom."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.actors import actor_of_user
from evidence.errors import ConflictingContent, InvalidInput
from evidence.limits import check_count
from evidence.models import Scope, System
from evidence.roles import beyond_one_operator, conflicts_of, roles_of, scopes_of
from evidence.selectors.people import facts_of
from evidence.services import audit
from evidence.services.people.memberships import add_member
from evidence.services.people.tokens import end_own_tokens
from evidence.services.review_queue import release_held
from evidence.worded import joined, worded

ROLE_FIELDS: Final = frozenset({"groups", "is_staff", "is_active"})  # what nobody changes of themselves
SUPERUSER_FIELDS: Final = frozenset({"is_superuser", "user_permissions"})  # rights beyond the role table


def roles_in_force(person: User) -> frozenset[str]:
    """Return the roles that a person can use: none, where the account is not active."""
    return roles_of(person) if person.is_active else frozenset()


@transaction.atomic
def record_person_added(
    *, principal: Principal, person: User, fields: Iterable[str], systems: Sequence[System]
) -> None:
    """Put on record who added a person, in the transaction that did, and make them a member of these systems.

    Args:
        fields: what was filled in.
        systems: at least one, but for whoever runs commands: nobody else would know of the person.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_add_person` does, `acts.check_can_give_roles` for their roles, and
            `acts.check_can_make_superuser` for such rights.
        InvalidInput: of no system, or there are as many people as there may be.
        ConflictingContent: two of the roles do not go together.
    """
    acts.check_can_add_person(principal, systems)
    if principal.user is not None and not systems:
        raise InvalidInput(worded("A person is added to a system: say which."))
    check_count(User.objects.count(), "MAX_PEOPLE", worded("The people of this installation"))
    for system in systems:
        add_member(actor=principal.actor, system=system, user=person)
    if person.is_superuser or SUPERUSER_FIELDS & set(fields):
        acts.check_can_make_superuser(principal)
    _check_gained(principal, person, roles_in_force(person))
    record_change("person.added", principal.actor, person, fields)


@transaction.atomic
def record_person_changed(
    *, principal: Principal, person: User, fields: Iterable[str], roles_before: Collection[str]
) -> None:
    """Put on record who changed what of a person, in the transaction that did.

    The tokens that they made for themselves end for good where they are no reviewer in force any more, so that making
    them one again revives none; and where they come to hold what no operator gives alone, for it may have been an
    operator who signed in as them. What somebody holds of the queue who is no reviewer in force any more is free.

    Args:
        roles_before: what `roles_in_force` said before the change.

    Raises:
        AccessDenied, NotFound: as the acts for a change, for roles, and for rights beyond the role table do.
        ConflictingContent: roles came that do not go together with others.
    """
    acts.check_can_change_person(principal, person)
    if ROLE_FIELDS & set(fields):
        acts.check_can_change_roles(principal, person)
    if SUPERUSER_FIELDS & set(fields):
        acts.check_can_make_superuser(principal)
        check_go_together(person)
    gained = roles_in_force(person) - set(roles_before)
    _check_gained(principal, person, gained)
    reviews = Scope.REVIEW in scopes_of(roles_in_force(person))
    if not reviews or beyond_one_operator(gained) or SUPERUSER_FIELDS & set(fields):
        end_own_tokens(person, principal.actor)
    if not reviews:
        release_held(person)
    record_change("person.changed", principal.actor, person, fields)


def record_change(verb: str, actor: str, person: User, fields: Iterable[str]) -> None:
    """Write the event of what happened to a person, with all that gives them power then."""
    payload = {
        "person": actor_of_user(person),
        **facts_of(User.objects.get(pk=person.pk)),  # as it is stored
        "changed": sorted(set(fields)),
    }
    audit.record(verb=verb, actor=actor, obj=person, payload=payload)


def check_go_together(person: User, *more: str) -> None:
    """See that a person's roles, and those that they are to get, go together.

    Raises:
        ConflictingContent: naming each two that do not, and why.
    """
    if conflicts := conflicts_of(person, *more):
        raise ConflictingContent(
            worded(
                "%(person)s: %(conflicts)s", person=person.get_username(), conflicts=joined(conflicts, " ")
            )
        )


def _check_gained(principal: Principal, person: User, gained: Collection[str]) -> None:
    if gained:
        acts.check_can_give_roles(principal, person, gained)
        check_go_together(person)
