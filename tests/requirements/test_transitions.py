"""Who may move a requirement version where, and which steps say why: the same by API and in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from evidence.errors import InvalidInput
from evidence.models import Membership, Scope
from requirements.errors import TransitionNotAllowed
from requirements.models import RequirementVersion, RetirementRequest
from requirements.selectors.requirements import state_of
from tests.factories import World, make_person
from tests.requirements.builders import read, requirement_file, retire


def by_api(person: User, version: RequirementVersion, to_state: str, reason: str = "") -> int:
    client = APIClient()
    client.force_login(person)
    key, number = version.requirement.key, version.number
    body = {"system": version.requirement.system.key, "reason": reason, **as_read(version)}
    if to_state == "retired":
        path, said = "/api/v1/retirements", {"key": key, "number": number}
    else:
        path, said = f"/api/v1/requirements/{key}/versions/{number}/transitions", {"to_state": to_state}
    answer: Any = client.post(path, body | said, format="json")
    return int(answer.status_code)


def as_read(version: RequirementVersion) -> dict[str, str]:
    found = read(version)
    return {"digest": found.digest, "from_state": found.from_state}


def by_admin(person: User, version: RequirementVersion, to_state: str, reason: str = "") -> int:
    client = Client()
    client.force_login(person)
    address = reverse("admin:requirements_requirementversion_change", args=[version.pk])
    form = {"to_state": to_state, "reason": reason, **as_read(version)}
    answer = client.post(address, form, follow=True)
    if answer.status_code == 403:
        return 403
    told = " ".join(str(message) for message in answer.context["messages"])
    refusals = {error.title: error.http_status for error in (InvalidInput, TransitionNotAllowed)}
    return next((status for title, status in refusals.items() if title in told), 201)


DOORS = pytest.mark.parametrize("door", [by_api, by_admin])


@pytest.fixture
def version(world: World) -> RequirementVersion:
    """A version that its author has proposed."""
    client = APIClient()
    client.force_login(world.people["author"])
    path = f"/api/v1/requirements/import?system={world.system.key}&file=r.yaml"
    made = client.post(path, requirement_file(), content_type="application/yaml")
    assert made.status_code == 201, made.content
    version = RequirementVersion.objects.get()
    assert by_api(world.people["author"], version, "in_review") == 201
    return version


@DOORS
def test_sending_back_is_the_approvers_and_says_why(
    world: World, version: RequirementVersion, door: Any
) -> None:
    approver = world.people["approver"]
    assert door(approver, version, "draft") == 422
    assert door(approver, version, "draft", "  ") == 422
    assert state_of(version) == "in_review"
    assert door(approver, version, "draft", "say of which answers") == 201
    assert state_of(version) == "draft"


@DOORS
def test_an_author_takes_their_own_proposal_back_and_no_colleagues(
    world: World, version: RequirementVersion, door: Any
) -> None:
    other = make_person("other-author", "author")
    Membership.objects.create(system=world.system, user=other)
    assert door(other, version, "draft", "I know better") == 403
    assert door(world.people["author"], version, "draft") == 422
    assert door(world.people["author"], version, "draft", "a mistake in it") == 201


@DOORS
def test_retiring_is_asked_with_a_reason_and_leaves_the_version_as_it_is(
    world: World, version: RequirementVersion, door: Any
) -> None:
    assert door(world.people["reviewer"], version, "retired", "no longer") == 403
    assert door(world.people["approver"], version, "retired") in (400, 422)
    assert door(world.people["approver"], version, "retired", "no longer asked for") == 201
    assert state_of(version) == "in_review"
    assert RetirementRequest.objects.get().reason == "no longer asked for"


@DOORS
def test_a_step_that_is_not_open_is_a_conflict_and_not_a_matter_of_rights(
    world: World, version: RequirementVersion, door: Any
) -> None:
    assert door(world.people["approver"], version, "superseded") == 409
    retire(version)
    assert door(world.people["approver"], version, "approved") == 409
    assert door(world.people["approver"], version, "retired", "again") == 409


def test_a_token_that_may_import_may_propose(
    world: World, version: RequirementVersion, api: APIClient
) -> None:
    assert by_api(world.people["approver"], version, "draft", "again, please") == 201
    path = f"/api/v1/requirements/{version.requirement.key}/versions/1/transitions"
    body = {"system": world.system.key, "to_state": "in_review"}
    answer = api.post(path, body, format="json", **world.headers(Scope.IMPORT))
    assert answer.status_code == 201, answer.content
