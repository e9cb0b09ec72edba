"""People and machines: roles, memberships, tokens, sign-in."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.contrib.auth.models import User

from evidence import clock
from evidence.access import Principal, principal_of_actor, visible_people
from evidence.actors import same_person
from evidence.acts.asking import as_question, check_of_system, check_signed_in, runs_commands, signing
from evidence.errors import AccessDenied, ConflictingContent, NotFound
from evidence.models import AccessConfirmation, AccessProposal, AccessToken, Membership, Scope, System
from evidence.roles import OPERATOR, ROLES, beyond_one_operator, roles_of, token_scopes_of
from evidence.worded import Coded, Worded, joined, joined_by_and, worded


def check_can_administer(principal: Principal) -> None:
    """Administer at all: an operator or superuser who signed in, or whoever runs commands on this machine."""
    if runs_commands(principal):
        return
    check_signed_in(principal, worded("Administration"))
    if OPERATOR not in principal.roles and not principal.person.is_superuser:
        raise AccessDenied(worded("This is an operator's to do: ask one."))


def _check_administers(principal: Principal, *systems: System) -> None:
    check_can_administer(principal)
    if principal.user is not None:
        for system in systems:
            check_of_system(principal, system)


@signing
def check_can_grant_membership(principal: Principal, system: System, person: User) -> None:
    """Let a colleague see a system: an administrator who is a member of it.

    Whose roles no operator gives alone is let see it as such a role is given: proposed by one, confirmed by another.
    """
    _check_administers(principal, system)
    check_knows(principal, person)
    _check_gives_alone(
        principal, roles_of(person), worded("%(person)s sees another system", person=person.get_username())
    )


def check_can_end_membership(principal: Principal, membership: Membership) -> None:
    """Take a person's sight of a system away."""
    _check_administers(principal, membership.system)


def check_can_change_skill(principal: Principal, system: System, person: User) -> None:
    """Say what a member of a system can judge in it: an operator who is a member, and not that person themselves.

    It shows nobody what they do not see: it says which of the answers that they see are given to them.
    """
    _check_administers(principal, system)
    check_knows(principal, person)
    if principal.user == person:
        raise AccessDenied(worded("Nobody says what they judge themselves: ask another operator."))
    if not Membership.objects.filter(system=system, user=person).exists():
        raise ConflictingContent(
            worded(
                "%(person)s is no member of %(system_key)s: make them one first.",
                person=person.get_username(),
                system_key=system.key,
            )
        )


def check_can_pause_queue(principal: Principal, system: System) -> None:
    """Have nothing of a system given to reviewers, and end that: an operator who is a member of it."""
    _check_administers(principal, system)


@signing
def check_can_issue_token(
    principal: Principal, owner: User, scopes: Sequence[Scope], systems: Sequence[System]
) -> None:
    """Give a machine a key to systems of which its owner is a member, too, for what the owner's roles hold.

    Whoever issues it reads its text, and could use it in the owner's name. So an operator issues none for what no
    operator holds: who gives access would read evidence and judge it.
    """
    _check_administers(principal, *systems)
    if not owner.is_active:
        raise AccessDenied(
            worded("%(owner)s is not active any more: name another owner.", owner=owner.get_username())
        )
    mine = set(Membership.objects.filter(user=owner).values_list("system_id", flat=True))
    foreign = [system.key for system in systems if system.pk not in mine]
    if foreign:
        raise AccessDenied(
            worded(
                "%(owner)s is not a member of %(foreign)s.",
                owner=owner.get_username(),
                foreign=", ".join(foreign),
            )
        )
    beyond = sorted({scope.value for scope in scopes} - token_scopes_of(roles_of(owner)))
    if beyond:
        raise AccessDenied(
            worded(
                "The roles of %(owner)s do not hold %(beyond)s: name an owner whose roles do.",
                owner=owner.get_username(),
                beyond=", ".join(beyond),
            )
        )
    kept = sorted({scope.value for scope in scopes} - scopes_to_issue(principal))
    if kept:
        raise AccessDenied(
            worded(
                "A token for %(kept)s opens what an operator does not, and whoever issues it reads its "
                "text: it is made on the machine itself: `manage.py issue_token`.",
                kept=", ".join(kept),
            )
        )


def scopes_to_issue(principal: Principal) -> frozenset[str]:
    """Return what the tokens may be for that somebody who administers issues: on the machine, all there is."""
    return (
        frozenset(Scope.values) if runs_commands(principal) else token_scopes_of({*principal.roles, OPERATOR})
    )


@signing
def check_can_make_review_token(principal: Principal, systems: Sequence[System]) -> None:
    """Make a token by which one judges from elsewhere: a reviewer who signed in, for themselves and nobody else.

    So nobody but they reads its text, and what comes by it is theirs to answer for.
    """
    check_signed_in(principal, worded("A token for reviews"))
    if not principal.may(Scope.REVIEW):
        raise AccessDenied(worded("Only reviewers make tokens for reviews, each for themselves."))
    for system in systems:
        check_of_system(principal, system)


def check_can_revoke_token(principal: Principal, token: AccessToken) -> None:
    """Make a token useless: who made it for themselves, or an administrator who is a member of one of its systems."""
    if token.is_own and principal.token is None and principal.user == token.owner:
        return
    check_can_administer(principal)
    if principal.user is not None and not token.systems.filter(pk__in=principal.system_ids).exists():
        raise NotFound(worded("There is no token %(prefix)s of your systems.", prefix=token.prefix))


@signing
def check_can_change_own_factor(principal: Principal) -> None:
    """Set up one's own second factor, or take it away: a person who signed in."""
    check_signed_in(principal, worded("A second factor"))


@signing
def check_can_add_person(principal: Principal, systems: Sequence[System]) -> None:
    """Put a person on record, as a member of systems of one's own."""
    _check_administers(principal, *systems)


@signing
def check_can_change_person(principal: Principal, person: User) -> None:
    """Change what is on record of a person: an administrator who is a member of each system that they are.

    What is changed of a person is changed everywhere. So whoever shares one system with them changes nothing for
    another. Of a superuser only a superuser changes anything.
    """
    check_can_administer(principal)
    check_knows(principal, person)
    _check_answers_for(principal, person)
    if person.is_superuser:
        check_can_make_superuser(principal)


def check_can_change_roles(principal: Principal, person: User) -> None:
    """Change a person's roles, and whether they may sign in: nobody changes their own."""
    check_can_change_person(principal, person)
    if principal.user == person:
        raise AccessDenied(worded("Nobody changes their own roles: ask another operator."))


def check_can_give_roles(principal: Principal, person: User, gained: Collection[str]) -> None:
    """Give a person roles: those that an operator gives alone, or, on this machine, any.

    Args:
        gained: what the person could not do before. Making somebody active again gives all roles that they hold.
    """
    check_can_change_roles(principal, person)
    _check_gives_alone(
        principal,
        gained,
        worded(
            "%(person)s becomes %(roles)s",
            person=person.get_username(),
            roles=joined_by_and(map(Coded, sorted(gained))),
        ),
    )


def check_can_erase_names(principal: Principal, person: User) -> None:
    """Erase what a person is called, who can then not sign in any more: not one's own names."""
    check_can_change_roles(principal, person)


def check_can_make_superuser(principal: Principal) -> None:
    """Give rights beyond the role table: only those who have them."""
    check_can_administer(principal)
    if principal.user is not None and not principal.user.is_superuser:
        raise AccessDenied(worded("Only a superuser gives rights beyond the role table."))


def check_can_make_password_link(principal: Principal, person: User) -> None:
    """Let somebody choose a new password: not oneself, and nobody whose role no operator gives alone.

    Whoever holds the link can become that person, so it is as much power as the person's roles are.
    """
    check_can_change_person(principal, person)
    if principal.user == person:
        raise AccessDenied(worded("You change your own password yourself: follow Change password."))
    _check_opens_alone(principal, person, "A link", "password_link")
    if not person.is_active:
        raise ConflictingContent(
            worded("%(person)s is not active: make them active first.", person=person.get_username())
        )


def check_can_reset_factor(principal: Principal, person: User) -> None:
    """Take somebody's second factor away, who lost what it is made of: as for a link, and for its reason.

    One's own goes at `/admin/second-factor/`: who takes it away there needs nobody else, and this is for who cannot.
    """
    check_can_change_person(principal, person)
    if principal.user == person:
        raise AccessDenied(worded("You take your own second factor away yourself: at /admin/second-factor/."))
    _check_opens_alone(principal, person, "A reset of the second factor", "remove_second_factor")


def check_can_bind_sign_in(principal: Principal, person: User) -> None:
    """Say as whom of the provider a person signs in, or that they do so no more: as for a link, and for its reason."""
    check_can_change_person(principal, person)
    if principal.user == person:
        raise AccessDenied(worded("Nobody binds their own sign-in: ask another operator."))
    _check_opens_alone(principal, person, "The sign-in", "bind_sign_in")


def _check_opens_alone(principal: Principal, person: User, what: str, command: str) -> None:
    """Keep an operator from what would let them be somebody whose role no operator gives alone.

    Args:
        what: would be made, for the sentence.
        command: of `manage.py`, which makes it on the machine.
    """
    if not runs_commands(principal) and (person.is_superuser or beyond_one_operator(roles_of(person))):
        raise AccessDenied(
            worded(
                "%(what)s for an approver, an auditor, an operator or a superuser is made on the "
                "machine itself: `manage.py %(command)s`.",
                what=what,
                command=command,
            )
        )


def check_can_operate(principal: Principal) -> None:
    """Be one of the two operators whom some decisions take: a superuser is none, nor is whoever runs commands here."""
    check_signed_in(principal, worded("A proposal"))
    if OPERATOR not in principal.roles:
        raise AccessDenied(worded("This is for an operator to propose, and for another to confirm."))


def check_can_propose_access(principal: Principal, person: User, system: System | None = None) -> None:
    """Propose what takes two operators: an operator who answers for the person, and is not that person.

    Args:
        system: what the person is to see; None where they are to be given a role.
    """
    check_can_operate(principal)
    if system is not None:
        check_of_system(principal, system)
    check_can_change_roles(principal, person)


def check_can_confirm_access(principal: Principal, proposal: AccessProposal) -> None:
    """Confirm what another operator proposed, and who proposed it still may."""
    check_can_propose_access(principal, proposal.user, proposal.system)
    if same_person(proposal.proposed_by, principal.actor):
        raise AccessDenied(worded("You proposed this: another operator confirms it."))
    if AccessConfirmation.objects.filter(proposal=proposal).exists():
        raise ConflictingContent(worded("This was confirmed before."))
    if proposal.expires_at <= clock.now():
        raise ConflictingContent(worded("Nobody confirmed this in time: propose it again."))
    if not can_propose_access(principal_of_actor(proposal.proposed_by), proposal.user, proposal.system):
        raise ConflictingContent(
            worded("Who proposed this may not propose it any more: propose it yourself.")
        )


def check_knows(principal: Principal, person: User) -> None:
    """Answer for people of other systems as if there were none."""
    if not visible_people(principal).filter(pk=person.pk).exists():
        raise NotFound(
            worded("There is no person %(person)s in your systems.", person=repr(person.get_username()))
        )


def _check_answers_for(principal: Principal, person: User) -> None:
    elsewhere = Membership.objects.filter(user=person).exclude(system__in=principal.system_ids)
    if not runs_commands(principal) and elsewhere.exists():
        raise AccessDenied(
            worded(
                "%(person)s is a member of a system that you are no member of, too: ask an operator who "
                "is a member of each.",
                person=person.get_username(),
            )
        )


def _check_gives_alone(principal: Principal, roles: Collection[str], what: Worded) -> None:
    """Keep an operator from giving alone what takes two, or the machine.

    Args:
        what: would happen, for the sentence.
    """
    beyond = [] if runs_commands(principal) else beyond_one_operator(roles)
    if beyond:
        givers = joined(
            worded("%(role)s by %(giver)s", role=Coded(role), giver=ROLES[role].giver.value)
            for role in beyond
        )
        raise AccessDenied(
            worded("%(what)s: that is not for one operator to decide (%(givers)s).", what=what, givers=givers)
        )


can_administer = as_question(check_can_administer)
can_grant_membership = as_question(check_can_grant_membership)
can_end_membership = as_question(check_can_end_membership)
can_change_skill = as_question(check_can_change_skill)
can_pause_queue = as_question(check_can_pause_queue)
can_issue_token = as_question(check_can_issue_token)
can_make_review_token = as_question(check_can_make_review_token)
can_revoke_token = as_question(check_can_revoke_token)
can_change_own_factor = as_question(check_can_change_own_factor)
can_add_person = as_question(check_can_add_person)
can_change_person = as_question(check_can_change_person)
can_change_roles = as_question(check_can_change_roles)
can_give_roles = as_question(check_can_give_roles)
can_erase_names = as_question(check_can_erase_names)
can_make_superuser = as_question(check_can_make_superuser)
can_make_password_link = as_question(check_can_make_password_link)
can_reset_factor = as_question(check_can_reset_factor)
can_bind_sign_in = as_question(check_can_bind_sign_in)
can_operate = as_question(check_can_operate)
can_propose_access = as_question(check_can_propose_access)
can_confirm_access = as_question(check_can_confirm_access)
