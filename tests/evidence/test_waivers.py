"""Waivers: asked for by one, for what a gate found unmet, and granted by another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from evidence.access import principal_of_user
from evidence.errors import AccessDenied, ConflictingContent, EvidenceError, InvalidInput, NotFound
from evidence.models import AuditEvent, Membership, Pseudonym, Scope, Waiver, WaiverRequest
from evidence.services import gates
from tests import factories
from tests.factories import World, acting, ask_for_waiver, find_unmet, grant_waiver, waive

pytestmark = pytest.mark.django_db


def test_only_what_a_gate_found_unmet_is_waived(world: World, settings: Any) -> None:
    with pytest.raises(InvalidInput, match="ask a gate first"):
        ask_without_a_gate(world, "r/c")
    find_unmet(world.release, "r/c")
    with pytest.raises(InvalidInput, match="did you mean 'r/c'"):
        ask_without_a_gate(world, "r/d")
    with pytest.raises(InvalidInput, match="unmet"):
        ask_without_a_gate(world, "r/*")
    settings.GATE_ASSESSOR = "tests.evidence.test_waivers.all_met"
    gates.decide_gate(principal=acting("token:ci"), system=world.system, gate="r-c", release=world.release)
    with pytest.raises(InvalidInput, match="r/c is met"):
        ask_without_a_gate(world, "r/c")
    assert not WaiverRequest.objects.exists()


def test_what_is_met_by_now_is_not_waived_any_more(world: World, settings: Any) -> None:
    asked = ask_for_waiver(world, "r/c")
    settings.GATE_ASSESSOR = "tests.evidence.test_waivers.all_met"
    gates.decide_gate(principal=acting("token:ci"), system=world.system, gate="r-c", release=world.release)
    with pytest.raises(ConflictingContent, match="r/c is met"):
        grant_waiver(asked, world.principal("approver"))


@pytest.mark.parametrize(
    "change",
    [
        {"reason": " "},
        {"expires_at": timezone.now() - timedelta(days=1)},
        {"expires_at": timezone.now() + timedelta(days=900)},
    ],
)
def test_a_waiver_takes_a_reason_and_an_end(world: World, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        ask_for_waiver(world, "r/c", **change)
    assert not WaiverRequest.objects.exists()


def test_the_same_again_is_the_first_and_is_on_record_once(world: World) -> None:
    first = ask_for_waiver(world, "r/c")
    assert ask_for_waiver(world, "r/c", reason="again") == first
    assert AuditEvent.objects.filter(verb="waiver.requested").count() == 1


def test_a_waiver_takes_a_second_person_who_is_an_approver(world: World) -> None:
    asked = ask_for_waiver(world, "r/c")
    both = world.join("both", "author", "approver")
    stranger = factories.make_person("stranger", "approver")  # member of no system
    maker = factories.make_person("olga", "approver")
    Pseudonym.objects.create(
        user=maker, formerly=factories.ACTOR
    )  # put the release on record, before pseudonyms
    Membership.objects.create(system=world.system, user=maker)
    refused: list[tuple[Any, type[EvidenceError]]] = [
        (world.people["author"], AccessDenied),
        (stranger, NotFound),
        (maker, AccessDenied),
    ]
    for person, error in refused:
        with pytest.raises(error):
            grant_waiver(asked, principal_of_user(person))
    own = ask_for_waiver(world, "r/d", asker=principal_of_user(both))
    with pytest.raises(AccessDenied, match="second person"):
        grant_waiver(own, principal_of_user(both))
    assert not Waiver.objects.exists()


@pytest.mark.parametrize(("step", "role"), [("declined", "approver"), ("withdrawn", "author")])
def test_a_request_that_ended_lets_nothing_past(world: World, step: str, role: str) -> None:
    asked = ask_for_waiver(world, "r/c")
    gates.settle_waiver(principal=world.principal(role), request=asked, to_state=step, reason="not this one")
    with pytest.raises(ConflictingContent, match="before"):
        grant_waiver(asked, world.principal("approver"))


def test_declining_says_why(world: World) -> None:
    asked = ask_for_waiver(world, "r/c")
    with pytest.raises(InvalidInput, match="Say why"):
        gates.settle_waiver(principal=world.principal("approver"), request=asked, to_state="declined")


def test_by_api_an_author_asks_and_an_approver_who_signed_in_grants(world: World, api: APIClient) -> None:
    find_unmet(world.release, "r0/c")
    body = {
        "system": world.system.key,
        "release": "r1",
        "criterion_ref": "r0/c",
        "reason": "accepted",
        "expires_at": (timezone.now() + timedelta(days=7)).isoformat(),
    }
    assert api.post("/api/v1/waivers", body, format="json", **world.headers(Scope.READ)).status_code == 405
    asked = api.post("/api/v1/waiver-requests", body, format="json", **world.headers(Scope.IMPORT))
    assert (asked.status_code, asked.json()["state"]) == (201, "waiting")
    step = f"/api/v1/waiver-requests/{asked.json()['id']}/transitions"
    assert (
        api.post(step, {"to_state": "granted"}, format="json", **world.headers(Scope.IMPORT)).status_code
        == 403
    )
    approver = APIClient()
    approver.force_login(world.people["approver"])
    granted = approver.post(step, {"to_state": "granted"}, format="json")
    assert (granted.status_code, granted.json()["state"]) == (201, "granted")
    waiting = api.get("/api/v1/waiver-requests?state=waiting", **world.headers(Scope.READ)).json()["results"]
    listed = api.get("/api/v1/waivers", **world.headers(Scope.READ)).json()["results"]
    assert ([each["criterion_ref"] for each in listed], waiting) == (["r0/c"], [])


def test_an_earlier_waiver_that_is_over_may_be_asked_for_again(world: World) -> None:
    waive(world, "r/c", expires_at=timezone.now() + timedelta(days=1))
    assert ask_for_waiver(world, "r/c", expires_at=timezone.now() + timedelta(days=30)).pk


def ask_without_a_gate(world: World, criterion: str) -> WaiverRequest:
    return gates.ask_waiver(
        principal=world.principal("author"), release=world.release, criterion_ref=criterion, reason="r",
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip


def all_met(**_: Any) -> list[gates.CriterionFinding]:
    return [gates.CriterionFinding("r/c", "r v1", "met", "d", "0" * 64, "assess/1", counts_reviews=False)]
