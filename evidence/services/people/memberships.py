"""Who may see the records of which system."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import User
from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.actors import actor_of_user
from evidence.limits import check_count
from evidence.models import Membership, System
from evidence.services import audit
from evidence.services.review_queue import release_held
from evidence.worded import worded


@transaction.atomic
def grant_membership(*, principal: Principal, system: System, user: User) -> Membership:
    """Let a person see the records of a system; granting it again changes nothing.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_grant_membership` does.
    """
    acts.check_can_grant_membership(principal, system, user)
    return add_member(actor=principal.actor, system=system, user=user)


@transaction.atomic
def add_member(*, actor: str, system: System, user: User) -> Membership:
    """Make somebody a member, as was decided: for services that have asked who may. A member stays one.

    Raises:
        InvalidInput: they are a member of as many systems as one person may be.
    """
    others = Membership.objects.filter(user=user).exclude(system=system).count()
    check_count(
        others + 1, "MAX_MEMBERSHIPS", worded("The memberships of %(person)s", person=user.get_username())
    )
    membership, created = Membership.objects.get_or_create(system=system, user=user)
    if created:
        payload = {"person": actor_of_user(user)}
        audit.record(verb="membership.granted", actor=actor, obj=membership, system=system, payload=payload)
    return membership


@transaction.atomic
def change_memberships(
    *, principal: Principal, user: User, granted: Collection[System], ended: Collection[System]
) -> None:
    """Let a person see some systems from now on, and others no more: all of it, or nothing.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_grant_membership` and `acts.check_can_end_membership` do.
    """
    for system in granted:
        grant_membership(principal=principal, system=system, user=user)
    for membership in Membership.objects.filter(user=user, system__in=ended).select_related("system", "user"):
        end_membership(principal=principal, membership=membership)


@transaction.atomic
def end_membership(*, principal: Principal, membership: Membership) -> None:
    """Take a person's sight of a system away, from the next request on. What they hold of its queue is free.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_end_membership` does.
    """
    acts.check_can_end_membership(principal, membership)
    payload = {"person": actor_of_user(membership.user)}
    audit.record(
        verb="membership.ended",
        actor=principal.actor,
        obj=membership,
        system=membership.system,
        payload=payload,
    )
    release_held(membership.user, membership.system)
    membership.delete()
