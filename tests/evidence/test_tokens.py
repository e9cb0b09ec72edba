"""A token is for somebody, for something, for a while, and revoking it twice is one act."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from evidence.errors import AccessDenied, InvalidInput
from evidence.models import AccessToken, AuditEvent, Membership, Scope, System
from evidence.services.people.tokens import IssuedToken, issue_token, revoke_token
from tests.e2e.cases import make_trace
from tests.evidence.token_expiry import set_expiry
from tests.factories import World, acting, make_world

pytestmark = pytest.mark.django_db


def issue(world: World, scopes: list[Scope], systems: list[System], days: int = 1) -> IssuedToken:
    return issue_token(
        name="t", owner=world.people["auditor"], scopes=scopes, systems=systems,
        expires_at=timezone.now() + timedelta(days=days), principal=acting(),
    )  # fmt: skip


def test_a_token_for_nothing_nobody_or_no_time_is_refused(world: World) -> None:
    other = make_world("aml-copilot")
    for scopes, systems, days in (
        ([], [world.system], 1),
        ([Scope.READ], [], 1),
        ([Scope.READ], [world.system], -1),
    ):
        with pytest.raises(InvalidInput):
            issue(world, scopes, systems, days)
    with pytest.raises(AccessDenied, match="is not a member of aml-copilot"):
        issue(world, [Scope.READ], [world.system, other.system])
    assert not AccessToken.objects.exists()


def test_revoking_twice_is_one_act(world: World) -> None:
    token = issue(world, [Scope.READ], [world.system]).token
    revoke_token(token=token, principal=acting())
    first = AccessToken.objects.get().revoked_at
    revoke_token(token=token, principal=acting())
    assert AccessToken.objects.get().revoked_at == first
    assert AuditEvent.objects.filter(verb="token.revoked").count() == 1


def test_a_token_stops_with_its_owner_and_with_its_time(world: World, api: APIClient) -> None:
    headers: dict[str, Any] = {
        "HTTP_AUTHORIZATION": f"Bearer {issue(world, [Scope.READ], [world.system]).text}"
    }

    def status() -> int:
        code: int = api.get("/api/v1/traces", **headers).status_code
        return code

    assert status() == 200
    owner = world.people["auditor"]
    owner.is_active = False
    owner.save()
    assert status() == 401
    owner.is_active = True
    owner.save()
    set_expiry(AccessToken.objects.get(), timezone.now())
    assert status() == 401


def test_a_token_reaches_a_system_as_long_as_its_owner_does(world: World, api: APIClient) -> None:
    headers, trace = world.headers(Scope.READ), make_trace(world)
    assert [row["trace_id"] for row in api.get("/api/v1/traces", **headers).json()["results"]] == [
        trace.trace_id.hex
    ]
    Membership.objects.filter(user=world.owner(Scope.READ)).delete()
    assert api.get("/api/v1/traces", **headers).json()["results"] == []
