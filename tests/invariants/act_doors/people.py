"""People, their roles and memberships, their tokens and how they sign in."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.models import Group, User
from django.urls import reverse

from evidence import acts
from evidence.access import principal_of_command_line, principal_of_user
from evidence.models import AccessToken, AuditEvent, Membership, Scope, SecondFactor
from evidence.services import registry, review_work
from evidence.services.people import memberships, name_erasure, person_changes, second_factors, tokens
from evidence.services.people.access_proposals import confirm_access, propose_access
from evidence.services.people.passwords import make_password_link
from evidence.services.people.sign_in_bindings import bind_sign_in
from tests.config.test_second_factor import code_of
from tests.factories import World, make_person
from tests.invariants.act_doors.taking import ANYWHERE, OPERATORS, Act, browse, later, serve
from tests.invariants.who import COMMAND_LINE, EVERYBODY, STRANGER, TOKEN_WITH, TOKEN_WITHOUT


def token(world: World) -> Any:
    """A token on record."""
    world.token(Scope.READ)
    return AccessToken.objects.latest("pk")


def newcomer(world: World) -> Any:
    """A person without role, who is a member of this system alone."""
    return world.join("newcomer")


def with_factor(world: World) -> Any:
    """A newcomer with a second factor."""
    person = newcomer(world)
    secret = second_factors.new_secret()
    second_factors.set_up_second_factor(
        principal=principal_of_user(person), secret=secret, code=code_of(secret)
    )
    return person


def colleague(world: World) -> Any:
    """A person of another system, too, of which the operator of this one is a member as well."""
    console = principal_of_command_line()
    second = registry.register_system(
        principal=console, key="second", name="Second", risk_tier="low", owner=world.people["author"]
    )
    person = make_person("colleague")
    for user in (world.people["operator"], person):
        memberships.grant_membership(principal=console, system=second, user=user)
    return person


def proposed(world: World) -> Any:
    """A proposal of another operator of the system."""
    principal = principal_of_user(world.join("omar-two", "operator"))
    return propose_access(principal=principal, person=newcomer(world), role="approver")


def person_form(person: User, **changes: Any) -> dict[str, Any]:
    """What the page of a person sends: all fields that are open to whoever looks."""
    roles = [group.pk for group in person.groups.all()]
    return {"username": person.username, "is_active": "on", "is_staff": "on", "groups": roles, **changes}


def own_page(world: World, made: Any) -> str:
    del world
    return reverse("admin:auth_user_change", args=[made.pk])


ADMINISTRATORS: Final = frozenset({"operator", COMMAND_LINE})  # a superuser is one where they are a member


ACTS: Final[list[Act]] = [
    Act(
        "evidence.acts.check_can_administer",
        ANYWHERE,
        serve(lambda world, who, _: acts.check_can_administer(who)),
    ),
    Act(
        "evidence.acts.check_can_grant_membership",
        ADMINISTRATORS,
        serve(
            lambda world, who, person: memberships.grant_membership(
                principal=who, system=world.system, user=person
            )
        ),
        admin=browse(
            lambda *_: reverse("admin:evidence_membership_add"),
            lambda world, person: {"system": world.system.pk, "user": person.pk},
        ),
        prepare=colleague,
    ),
    Act(
        "evidence.acts.check_can_end_membership",
        ADMINISTRATORS,
        serve(
            lambda world, who, made: memberships.end_membership(
                principal=who, membership=Membership.objects.get(pk=made.pk)
            )
        ),
        admin=browse(
            lambda _, made: reverse("admin:evidence_membership_delete", args=[made.pk]), lambda *_: {"post": "yes"}
        ),
        prepare=lambda world: Membership.objects.get(system=world.system, user=world.people["author"]),
    ),
    Act(
        "evidence.acts.check_can_change_skill",
        ADMINISTRATORS,
        serve(
            lambda world, who, person: review_work.add_skill(principal=who, user=person, system=world.system)
        ),
        admin=browse(
            lambda *_: reverse("admin:evidence_reviewerskill_add"),
            lambda world, person: {"system": world.system.pk, "user": person.pk, "language": "de"},
        ),
        prepare=newcomer,
    ),
    Act(
        "evidence.acts.check_can_pause_queue",
        ADMINISTRATORS,
        serve(lambda world, who, _: review_work.pause_queue(principal=who, system=world.system, reason="r")),
        admin=browse(
            lambda *_: reverse("admin:evidence_queuepause_add"),
            lambda world, _: {"system": world.system.pk, "reason": "r"},
        ),
    ),
    Act(
        "evidence.acts.check_can_issue_token",
        ADMINISTRATORS,
        serve(
            lambda world, who, _: tokens.issue_token(
                principal=who, name="n", owner=world.people["author"], scopes=[Scope.INGEST],
                systems=[world.system], expires_at=later(),
            )
        ),
        admin=browse(
            lambda *_: reverse("admin:evidence_accesstoken_add"),
            lambda world, _: {
                "name": "n", "owner": world.people["author"].pk, "scopes": ["ingest"], "systems": [world.system.pk],
                "days": 9,
            },
        ),
    ),
    Act(
        "evidence.acts.check_can_make_review_token",
        frozenset({"reviewer"}),
        serve(
            lambda world, who, _: tokens.make_review_token(
                principal=who, name="n", systems=[world.system], days=7
            )
        ),
        admin=browse(
            lambda *_: reverse("admin:review_tokens"),
            lambda world, _: {"act": "make", "name": "n", "systems": [world.system.pk], "days": 7},
        ),
        scopes=(Scope.REVIEW, Scope.READ), owner="reviewer",
    ),
    Act(
        "evidence.acts.check_can_revoke_token",
        ADMINISTRATORS,
        serve(lambda world, who, made: tokens.revoke_token(principal=who, token=made)),
        admin=browse(
            lambda *_: reverse("admin:evidence_accesstoken_changelist"),
            lambda _, made: {"action": "revoke", "_selected_action": [made.pk]},
            done=lambda _, made: AccessToken.objects.get(pk=made.pk).revoked_at is not None,
        ),
        prepare=token,
    ),
    Act(
        "evidence.acts.check_can_change_own_factor",
        frozenset(EVERYBODY) - {TOKEN_WITH, TOKEN_WITHOUT, COMMAND_LINE},
        serve(
            lambda _, who, secret: second_factors.set_up_second_factor(
                principal=who, secret=secret, code=code_of(secret)
            )
        ),
        prepare=lambda _: second_factors.new_secret(),
    ),
    Act(
        "evidence.acts.check_can_add_person",
        ADMINISTRATORS,
        serve(
            lambda world, who, _: person_changes.record_person_added(
                principal=who, person=make_person("nora"), fields=["username"], systems=[world.system]
            )
        ),
        admin=browse(
            lambda *_: reverse("admin:auth_user_add"),
            lambda world, _: {"username": "nina", "systems": [world.system.pk]},
        ),
    ),
    Act(
        "evidence.acts.check_can_change_person",
        ADMINISTRATORS,
        serve(
            lambda world, who, made: person_changes.record_person_changed(
                principal=who, person=made, fields=["last_name"], roles_before=()
            )
        ),
        admin=browse(
            own_page,
            lambda _, made: person_form(made, last_name="Other"),
            done=lambda _, made: User.objects.get(pk=made.pk).last_name == "Other",
        ),
        prepare=newcomer,
    ),
    Act(
        "evidence.acts.check_can_change_roles",
        ADMINISTRATORS,
        serve(
            lambda world, who, made: person_changes.record_person_changed(
                principal=who, person=made, fields=["groups"], roles_before=()
            )
        ),
        admin=browse(
            own_page,
            lambda _, made: person_form(made, groups=[Group.objects.get(name="author").pk]),
            done=lambda _, made: made.groups.filter(name="author").exists(),
        ),
        prepare=newcomer, step="of somebody else",
    ),
    Act(
        "evidence.acts.check_can_change_roles",
        frozenset({COMMAND_LINE}),
        serve(
            lambda world, who, made: person_changes.record_person_changed(
                principal=who, person=made, fields=["groups"], roles_before={"operator"}
            )
        ),
        admin=browse(
            own_page,
            lambda _, made: person_form(made, groups=[]),
            done=lambda _, made: not made.groups.exists(),
        ),
        prepare=lambda world: world.people["operator"], step="of the operator, who is one of those who try",
    ),
    Act(
        "evidence.acts.check_can_give_roles",
        ADMINISTRATORS,
        serve(lambda world, who, made: acts.check_can_give_roles(who, made, ["author", "reviewer"])),
        prepare=newcomer, step="that an operator gives alone",
    ),
    Act(
        "evidence.acts.check_can_give_roles",
        frozenset({COMMAND_LINE}),
        serve(lambda world, who, made: acts.check_can_give_roles(who, made, ["author", "approver"])),
        admin=browse(
            own_page,
            lambda _, made: person_form(made, groups=[Group.objects.get(name="approver").pk]),
            done=lambda _, made: made.groups.filter(name="approver").exists(),
        ),
        prepare=newcomer, step="that take two operators",
    ),
    Act(
        "evidence.acts.check_can_make_password_link",
        ADMINISTRATORS,
        serve(lambda world, who, made: make_password_link(principal=who, person=made)),
        admin=browse(
            lambda *_: reverse("admin:auth_user_changelist"),
            lambda _, made: {"action": "make_password_link", "_selected_action": [made.pk]},
            done=lambda _, made: AuditEvent.objects.filter(verb="password_link.made").exists(),
        ),
        prepare=newcomer,
    ),
    Act(
        "evidence.acts.check_can_reset_factor",
        ADMINISTRATORS,
        serve(
            lambda world, who, made: second_factors.reset_second_factor(
                principal=who, person=made, reason="lost, seen in person"
            )
        ),
        admin=browse(
            own_page,
            lambda *_: {"act": "reset_factor", "reason": "lost, seen in person"},
            done=lambda _, made: not SecondFactor.objects.filter(user=made).exists(),
        ),
        prepare=with_factor,
    ),
    Act(
        "evidence.acts.check_can_bind_sign_in",
        ADMINISTRATORS,
        serve(
            lambda world, who, made: bind_sign_in(
                principal=who, person=made, issuer="https://id.example.org", subject="1"
            )
        ),
        admin=browse(
            lambda *_: reverse("admin:evidence_signinbinding_add"),
            lambda _, made: {"person": made.pk, "subject": "1"},
        ),
        prepare=newcomer,
    ),
    Act(
        "evidence.acts.check_can_operate",
        frozenset({"operator", STRANGER}),
        serve(lambda world, who, _: acts.check_can_operate(who)),
    ),
    Act(
        "evidence.acts.check_can_propose_access",
        OPERATORS,
        serve(lambda world, who, made: propose_access(principal=who, person=made, role="auditor")),
        admin=browse(
            lambda *_: reverse("admin:evidence_accessproposal_add"),
            lambda _, made: {"person": made.pk, "role": "auditor"},
        ),
        prepare=newcomer,
    ),
    Act(
        "evidence.acts.check_can_confirm_access",
        OPERATORS,
        serve(lambda world, who, made: confirm_access(principal=who, proposal=made)),
        admin=browse(
            lambda *_: reverse("admin:evidence_accessproposal_changelist"),
            lambda _, made: {"action": "confirm", "_selected_action": [made.pk]},
            done=lambda _, made: made.user.groups.filter(name="approver").exists(),
        ),
        prepare=proposed,
    ),
    Act(
        "evidence.acts.check_can_erase_names",
        ADMINISTRATORS,
        serve(lambda world, who, made: name_erasure.erase_names(principal=who, person=made)),
        admin=browse(
            lambda *_: reverse("admin:auth_user_changelist"),
            lambda _, made: {"action": "erase_names", "_selected_action": [made.pk], "confirmed": "yes"},
            done=lambda _, made: User.objects.get(pk=made.pk).username.startswith("person:"),
        ),
        prepare=newcomer,
    ),
    Act(
        "evidence.acts.check_can_make_superuser",
        frozenset({COMMAND_LINE}),  # and a superuser who is a member: test_people
        serve(
            lambda world, who, made: person_changes.record_person_changed(
                principal=who, person=made, fields=["is_superuser"], roles_before=()
            )
        ),
        admin=browse(
            own_page,
            lambda _, made: person_form(made, is_superuser="on"),
            done=lambda _, made: User.objects.get(pk=made.pk).is_superuser,
        ),
        prepare=newcomer,
    ),
]  # fmt: skip
