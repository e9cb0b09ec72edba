"""What takes two operators: one proposes that somebody gets a role, or sees another system, and another confirms."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction

from evidence import acts, clock
from evidence.access import Principal
from evidence.actors import actor_of_user
from evidence.errors import ConflictingContent, InvalidInput
from evidence.limits import check_count
from evidence.models import AccessConfirmation, AccessProposal, Membership, System
from evidence.roles import ROLES, Giver, roles_of
from evidence.services import audit
from evidence.services.people.memberships import add_member
from evidence.services.people.passwords import end_password_of_operators_link
from evidence.services.people.person_changes import check_go_together, record_change
from evidence.services.people.tokens import end_own_tokens
from evidence.worded import worded

# Roles that are given so.
PROPOSED: Final = tuple(role for role, rules in ROLES.items() if rules.giver is Giver.TWO_OPERATORS)


@transaction.atomic
def propose_access(
    *, principal: Principal, person: User, role: str = "", system: System | None = None
) -> AccessProposal:
    """Propose one of two: a role that takes two operators, or that somebody sees another system.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_propose_access` does.
        InvalidInput: neither or both, or a role that is not given so.
        ConflictingContent: they have it already, or it does not go together with what they have.
    """
    acts.check_can_propose_access(principal, person, system)
    _check_is_one_thing(role, system)
    _check_is_new(person, role, system)
    waiting = AccessProposal.objects.filter(
        proposed_by=principal.actor, confirmation=None, expires_at__gt=clock.now()
    )
    check_count(waiting.count() + 1, "MAX_ACCESS_PROPOSALS", worded("Your proposals that wait"))
    proposal = AccessProposal.objects.create(
        user=person,
        role=role,
        system=system,
        proposed_by=principal.actor,
        expires_at=clock.now() + timedelta(days=settings.ACCESS_PROPOSAL_DAYS),
    )
    payload = {"person": actor_of_user(person), "role": role}
    audit.record(verb="access.proposed", actor=principal.actor, obj=proposal, system=system, payload=payload)
    return proposal


@transaction.atomic
def confirm_access(*, principal: Principal, proposal: AccessProposal) -> AccessConfirmation:
    """Confirm a proposal and carry it out. Of several at once who confirm it, one does.

    With a role, a password ends that the person chose by a link which an operator made, and the tokens that they made
    for themselves end, with their sessions.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_confirm_access` does.
        ConflictingContent: they have it by now, or other roles that it does not go together with.
    """
    person = User.objects.select_for_update().get(pk=proposal.user_id)
    acts.check_can_confirm_access(principal, proposal)
    _check_is_new(person, proposal.role, proposal.system)
    confirmation = AccessConfirmation.objects.create(proposal=proposal, confirmed_by=principal.actor)
    payload = {"person": actor_of_user(person), "role": proposal.role, "proposed_by": proposal.proposed_by}
    audit.record(
        verb="access.confirmed",
        actor=principal.actor,
        obj=confirmation,
        system=proposal.system,
        payload=payload,
    )
    _carry_out(principal.actor, person, proposal)
    return confirmation


def _carry_out(actor: str, person: User, proposal: AccessProposal) -> None:
    if proposal.system is not None:
        add_member(actor=actor, system=proposal.system, user=person)
        return
    person.groups.add(Group.objects.get(name=proposal.role))
    end_own_tokens(person, actor)  # the operator's link, or their sign-on, may be behind one
    ended = ["password"] if end_password_of_operators_link(person) else []
    record_change("person.changed", actor, person, ["groups", *ended])


def _check_is_one_thing(role: str, system: System | None) -> None:
    if bool(role) == (system is not None):
        raise InvalidInput(worded("Propose a role or a system, one of the two."))
    if role and role not in PROPOSED:
        raise InvalidInput(
            worded(
                "%(role)s is not given by two operators: those are %(proposed)s.",
                role=repr(role),
                proposed=", ".join(PROPOSED),
            )
        )


def _check_is_new(person: User, role: str, system: System | None) -> None:
    name, held = person.get_username(), roles_of(person)
    if not person.is_active:
        raise ConflictingContent(worded("%(name)s is not active: make them active first.", name=name))
    if role in held or (system and Membership.objects.filter(user=person, system=system).exists()):
        raise ConflictingContent(worded("%(name)s has this already.", name=name))
    if role:
        check_go_together(person, role)
