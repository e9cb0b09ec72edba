"""What an operator, or a token that was issued once, tries in order to reach what is not theirs. By the doors alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from evidence.access import principal_of_command_line, principal_of_user
from evidence.models import AuditEvent, AuditPayload, Membership, Scope
from evidence.services.people import passwords, tokens
from evidence.services.people.access_proposals import confirm_access, propose_access
from tests.evidence.test_identity import tables_that_hold
from tests.factories import World, acting, make_person, make_world

pytestmark = pytest.mark.django_db

CHOSEN = "window apricot ledger sundial"


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def roles_on_record(person: User) -> set[str]:
    return set(person.groups.values_list("name", flat=True))


def send_person(client: Client, person: User, *roles: str, **changes: Any) -> Any:
    """Send the page of a person, filled in."""
    groups = list(Group.objects.filter(name__in=roles).values_list("pk", flat=True))
    data = {"username": person.username, "is_active": "on", "is_staff": "on", "groups": groups, **changes}
    return client.post(reverse("admin:auth_user_change", args=[person.pk]), data)


def errors_of(answer: Any) -> Any:
    """Return what the form of a person refuses, by field."""
    return answer.context["adminform"].form.errors


@pytest.fixture
def other(world: World) -> World:
    """Another tenant."""
    return make_world("aml-copilot")


# Operators and people of others.


def test_an_operator_sets_nobodys_password(world: World, other: World) -> None:
    client = signed_in(world.people["operator"])
    for victim in (other.people["approver"], world.people["reviewer"]):
        form = {"password1": CHOSEN, "password2": CHOSEN, "usable_password": "true"}
        client.post(f"/admin/auth/user/{victim.pk}/password/", form)
        victim.refresh_from_db()
        assert not victim.check_password(CHOSEN)
    thief = Client()
    form = {"username": other.people["approver"].username, "password": CHOSEN, "next": "/admin/"}
    assert thief.post("/admin/login/", form).status_code == 200, "signed in as somebody of another tenant"


def test_an_operator_sees_no_people_of_others(world: World, other: World) -> None:
    client, victim = signed_in(world.people["operator"]), other.people["approver"]
    listed = client.get(reverse("admin:auth_user_changelist"))
    assert {person.pk for person in listed.context["cl"].result_list} == {
        person.pk for person in world.people.values()
    }
    assert victim.username not in listed.content.decode()
    assert client.get(reverse("admin:auth_user_change", args=[victim.pk])).status_code == 404
    assert send_person(client, victim, "author", last_name="Taken").status_code == 404
    victim.refresh_from_db()
    assert victim.last_name == ""
    offered = client.get(
        reverse("admin:autocomplete"),
        {"app_label": "evidence", "model_name": "membership", "field_name": "user", "term": victim.username},
    )
    assert offered.json()["results"] == []


def test_an_operator_brings_nobody_of_others_into_their_system_to_take_them_over(
    world: World, other: World
) -> None:
    client, victim = signed_in(world.people["operator"]), other.people["approver"]
    client.post(reverse("admin:evidence_membership_add"), {"system": world.system.pk, "user": victim.pk})
    assert not Membership.objects.filter(system=world.system, user=victim).exists()


def test_whoever_shares_one_system_changes_nothing_for_another(world: World, other: World) -> None:
    both = world.people["reviewer"]
    Membership.objects.create(system=other.system, user=both)
    client = signed_in(world.people["operator"])
    assert send_person(client, both, "reviewer", "author", last_name="Taken").status_code == 403
    both.refresh_from_db()
    assert (both.last_name, roles_on_record(both)) == ("", {"reviewer"})


# Puppets.


@pytest.mark.parametrize("role", ["approver", "auditor", "operator"])
def test_an_operator_alone_makes_no_approver_auditor_or_operator(world: World, role: str) -> None:
    puppet = make_person("puppet")
    Membership.objects.create(system=world.system, user=puppet)
    send_person(signed_in(world.people["operator"]), puppet, role)
    assert roles_on_record(puppet) == set()


@pytest.mark.parametrize("name", ["author", "approver"])
def test_an_operator_does_not_become_whom_two_operators_promote(world: World, name: str) -> None:
    """Nor whom they promote again: a role that was taken away makes a link possible, and comes back by two."""
    person, (one, other) = world.people[name], (world.people["operator"], world.join("other", "operator"))
    send_person(signed_in(one), person)
    link = passwords.make_password_link(
        principal=principal_of_user(one), person=User.objects.get(pk=person.pk)
    )
    passwords.choose_password(uid=link.uid, token=link.token, password=CHOSEN)
    form = {"username": person.username, "password": CHOSEN, "next": "/admin/"}
    assert Client().post("/admin/login/", form).status_code == 302
    proposal = propose_access(principal=principal_of_user(one), person=person, role="approver")
    confirming = signed_in(other)
    answer = confirming.post(
        reverse("admin:evidence_accessproposal_changelist"),
        {"action": "confirm", "_selected_action": [proposal.pk]},
        follow=True,
    )
    assert roles_on_record(person) == {"approver"}
    assert Client().post("/admin/login/", form).status_code == 200, "the operator signed in as an approver"
    assert f"manage.py password_link {person.username}" in answer.content.decode()
    event = AuditEvent.objects.filter(verb="person.changed").latest("pk")
    assert b'"password"' in bytes(AuditPayload.objects.get(event=event).payload)


def test_a_password_of_a_link_from_the_machine_stays_with_the_new_role(world: World) -> None:
    person, (one, other) = world.people["author"], (world.people["operator"], world.join("other", "operator"))
    link = passwords.make_password_link(principal=principal_of_command_line(), person=person)
    passwords.choose_password(uid=link.uid, token=link.token, password=CHOSEN)
    proposal = propose_access(principal=principal_of_user(one), person=person, role="approver")
    confirm_access(principal=principal_of_user(other), proposal=proposal)
    assert User.objects.get(pk=person.pk).check_password(CHOSEN)


def test_no_puppet_holds_every_role(world: World) -> None:
    puppet = make_person("puppet")
    Membership.objects.create(system=world.system, user=puppet)
    send_person(
        signed_in(world.people["operator"]), puppet, "author", "approver", "reviewer", "operator", "auditor"
    )
    assert roles_on_record(puppet) == set()


def test_roles_that_do_not_go_together_are_refused_by_name(world: World) -> None:
    person = make_person("nina", "reviewer")
    Membership.objects.create(system=world.system, user=person)
    refused = send_person(signed_in(world.people["operator"]), person, "reviewer", "researcher")
    assert "researcher and reviewer do not go together" in str(errors_of(refused)["groups"])
    assert roles_on_record(person) == {"reviewer"}


@pytest.mark.parametrize("is_superuser", [False, True])
def test_nobody_gives_themselves_a_role(world: World, is_superuser: bool) -> None:
    person = world.people["operator"]
    User.objects.filter(pk=person.pk).update(is_superuser=is_superuser)
    data = {"is_superuser": "on"} if is_superuser else {}
    send_person(signed_in(person), person, "operator", "author", "approver", **data)
    assert roles_on_record(person) == {"operator"}


def test_an_approver_who_left_does_not_come_back_by_one_operators_decision(world: World) -> None:
    approver = world.people["approver"]
    User.objects.filter(pk=approver.pk).update(is_active=False)
    refused = send_person(signed_in(world.people["operator"]), approver, "approver")
    assert "not for one operator to decide" in str(errors_of(refused)["is_active"])
    approver.refresh_from_db()
    assert not approver.is_active


def test_one_operator_gives_no_approver_sight_of_another_system(world: World, other: World) -> None:
    operator, approver = world.people["operator"], world.people["approver"]
    Membership.objects.create(system=other.system, user=operator)
    address = reverse("admin:evidence_membership_add")
    signed_in(operator).post(address, {"system": other.system.pk, "user": approver.pk})
    assert not Membership.objects.filter(system=other.system, user=approver).exists()
    signed_in(operator).post(address, {"system": other.system.pk, "user": world.people["reviewer"].pk})
    assert Membership.objects.filter(system=other.system, user=world.people["reviewer"]).exists()


# Sign-ins.


def try_to_sign_in(typed: str, password: str) -> int:
    return Client().post("/admin/login/", {"username": typed, "password": password, "next": "/"}).status_code


def test_a_sign_in_and_one_that_failed_are_on_record(world: World) -> None:
    person = world.people["author"]
    person.set_password(CHOSEN)
    person.save()
    assert try_to_sign_in(person.username, "wrong") == 200
    assert try_to_sign_in(person.username, CHOSEN) == 302
    told = AuditEvent.objects.filter(verb__startswith="sign_in.", object_id=person.pk).order_by("pk")
    assert [event.verb for event in told] == ["sign_in.failed", "sign_in.succeeded"]
    assert told[1].actor == world.principal("author").actor


def test_what_a_stranger_types_as_a_name_stands_nowhere(world: World) -> None:
    """It may be a password in the wrong field."""
    before = AuditEvent.objects.count()
    for typed in ("my-secret-passphrase", "my-secret-passphrase\0", "my-secret-passphrase" * 100):
        assert try_to_sign_in(typed, "omar") == 200
    assert AuditEvent.objects.count() == before + 3
    assert tables_that_hold("my-secret-passphrase") == []


# Tokens.


def issue(owner: User, *scopes: Scope, systems: Any) -> dict[str, str]:
    issued = tokens.issue_token(
        principal=acting(), name="t", owner=owner, scopes=scopes, systems=systems,
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    return {"HTTP_AUTHORIZATION": f"Bearer {issued.text}"}


def test_a_token_does_not_outlive_its_owners_role(world: World, api: APIClient) -> None:
    auditor: Any = world.people["auditor"]
    headers: Any = issue(auditor, Scope.READ, Scope.BINDER, systems=[world.system])
    assert api.get("/api/v1/traces", **headers).status_code == 200
    auditor.groups.clear()
    for path in ("/api/v1/traces", "/api/v1/gate-decisions"):
        refused = api.get(path, **headers)
        assert refused.status_code == 403
        assert "the roles of its owner do not hold now" in refused.json()["detail"]
    auditor.groups.add(Group.objects.get(name="auditor"))
    assert api.get("/api/v1/traces", **headers).status_code == 200, "what they hold now counts"


def test_a_token_can_do_no_more_than_its_owner(world: World, api: APIClient) -> None:
    author: Any = world.people["author"]
    headers: Any = issue(author, Scope.READ, Scope.IMPORT, Scope.GATE, systems=[world.system])
    author.groups.set(Group.objects.filter(name="approver"))
    pins = [{"slot": "model", "kind": "model", "key": "smol", "label": "2", "digest": "a" * 64}]
    body = {"system": world.system.key, "name": "r2", "pins": pins}
    assert api.get("/api/v1/traces", **headers).status_code == 200, "an approver reads, too"
    assert api.post("/api/v1/releases", body, format="json", **headers).status_code == 403
    asked = {"system": world.system.key, "release": "r1"}
    assert api.post("/api/v1/gates/release/decisions", asked, format="json", **headers).status_code == 403


@pytest.mark.parametrize(
    ("role", "scope"),
    [("operator", Scope.READ), ("approver", Scope.IMPORT), ("author", Scope.BINDER), ("auditor", Scope.INGEST),
     ("reviewer", Scope.GATE), ("auditor", Scope.REVIEW), ("author", Scope.PROBE)],
)  # fmt: skip
def test_a_token_is_issued_for_nothing_that_its_owner_may_not(world: World, role: str, scope: Scope) -> None:
    before = AuditEvent.objects.filter(verb="token.issued").count()
    with pytest.raises(Exception, match=f"do not hold {scope.value}"):
        issue(world.people[role], scope, systems=[world.system])
    assert AuditEvent.objects.filter(verb="token.issued").count() == before
