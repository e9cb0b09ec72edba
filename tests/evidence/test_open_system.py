"""A system is registered with those who see it from the first, and nobody comes into one of others by its key."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from evidence.access import Principal, principal_of_user
from evidence.errors import ConflictingContent, NotFound
from evidence.models import AuditEvent, Membership, System
from evidence.services import registry
from tests.factories import World, make_world

pytestmark = pytest.mark.django_db

PAGE = "admin:evidence_system_add"


def open_new(principal: Principal, owner: User) -> System:
    return registry.open_system(principal=principal, key="new", name="New", risk_tier="low", owner=owner)


def members_of(system: System) -> set[str]:
    return set(Membership.objects.filter(system=system).values_list("user__username", flat=True))


def test_whoever_registers_it_and_its_owner_see_it(world: World) -> None:
    operator, author = world.people["operator"], world.people["author"]
    system = open_new(world.principal("operator"), author)
    assert members_of(system) == {operator.username, author.username}
    assert open_new(principal_of_user(operator), author) == system, "the same again changes nothing"
    assert AuditEvent.objects.filter(verb="system.registered", object_id=system.pk).count() == 1


@pytest.mark.parametrize("role", ["approver", "auditor", "operator"])
def test_an_owner_whom_no_one_operator_lets_see_it_is_left_to_those_who_may(world: World, role: str) -> None:
    owner = world.join("other", role)
    system = open_new(world.principal("operator"), owner)
    assert system.owner == owner
    assert members_of(system) == {world.people["operator"].username}


def test_nobody_is_an_owner_whom_the_operator_does_not_know(world: World) -> None:
    stranger = make_world("elsewhere").people["author"]
    with pytest.raises(NotFound, match="There is no person"):
        open_new(world.principal("operator"), stranger)
    assert not System.objects.filter(key="new").exists()


def test_the_key_of_a_system_of_others_is_taken_and_nothing_of_it_is_told(world: World) -> None:
    taken = make_world("elsewhere").system
    with pytest.raises(ConflictingContent) as refused:
        registry.open_system(
            principal=world.principal("operator"), key=taken.key, name=taken.name, risk_tier=taken.risk_tier,
            owner=world.people["author"],
        )  # fmt: skip
    assert str(refused.value) == (
        "The key 'elsewhere' is taken by a system that is not yours: choose another."
    )
    assert world.people["operator"].username not in members_of(taken)


def test_the_page_leads_to_the_new_system_and_names_what_is_wrong(world: World, client: Client) -> None:
    operator, author = world.people["operator"], world.people["author"]
    client.force_login(operator)
    sent = {"key": "loan desk", "name": "Loan desk", "risk_tier": "medium", "owner": author.pk}
    refused = client.post(reverse(PAGE), sent)
    assert refused.status_code == 422
    assert "Loan desk" in refused.content.decode(), "what was typed stands there still"
    answer = client.post(reverse(PAGE), sent | {"key": "loan-desk"})
    system = System.objects.get(key="loan-desk")
    assert answer["Location"] == reverse("admin:evidence_system_change", args=[system.pk])
    assert "The system is on record" in client.get(answer["Location"]).content.decode()
    assert members_of(system) == {operator.username, author.username}


@pytest.mark.parametrize("role", ["author", "approver", "auditor", "researcher", "reviewer"])
def test_nobody_else_is_offered_the_form(world: World, client: Client, role: str) -> None:
    client.force_login(world.people[role])
    assert client.get(reverse(PAGE)).status_code == 403


def test_a_form_that_was_sent_twice_finds_the_system_that_it_made(world: World) -> None:
    before = world.principal("operator")  # as both requests began
    assert open_new(before, world.people["author"]) == open_new(before, world.people["author"])


def test_a_system_and_a_service_have_no_name_in_common(world: World) -> None:
    operator, author = world.principal("operator"), world.people["author"]
    registry.declare_service(principal=operator, system=world.system, name="new", is_part=True)
    with pytest.raises(ConflictingContent, match="is a service that was declared"):
        open_new(operator, author)
    registry.declare_service(principal=operator, system=world.system, name="new", is_part=False)
    open_new(operator, author)
    with pytest.raises(ConflictingContent, match="is the key of a system"):
        registry.declare_service(principal=operator, system=world.system, name="new", is_part=True)
