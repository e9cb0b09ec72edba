"""What Django's admin would fail on, and what an operator does to a person, in the admin."""

from __future__ import annotations

import pytest
from django.test import Client

from evidence.models import AccessToken, Membership, Scope
from tests.factories import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(world: World) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(world.people["operator"])
    return client


@pytest.mark.parametrize("chosen", ["abc", "1,2", "", "1\0"])
@pytest.mark.parametrize(("path", "action"), [("accesstoken", "revoke"), ("membership", "delete_selected")])
def test_a_chosen_row_that_is_none_is_refused(
    operator: Client, world: World, path: str, action: str, chosen: str
) -> None:
    world.token(Scope.READ)
    sent = {"action": action, "_selected_action": chosen, "index": "0"}
    assert operator.post(f"/admin/evidence/{path}/", sent).status_code == 422
    assert not AccessToken.objects.filter(revoked_at__isnull=False).exists()
    assert Membership.objects.exists()


@pytest.mark.parametrize("user", ["abc", "9" * 30])
def test_a_member_that_is_nobody_is_refused(operator: Client, world: World, user: str) -> None:
    before, path = Membership.objects.count(), "/admin/evidence/membership/add/"
    assert operator.get(path, {"user": user}).status_code == 200
    page = operator.post(path, {"user": user, "system": world.system.pk})
    assert (page.status_code, "errorlist" in page.content.decode()) == (200, True)
    assert Membership.objects.count() == before


@pytest.mark.parametrize("path", ["evidence/trace/?risk_tier__range=1", "auth/user/?pk__range=1"])
def test_a_range_with_one_end_is_refused(world: World, path: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(world.people["auditor" if "trace" in path else "operator"])
    assert client.get(f"/admin/{path}").status_code == 400


def test_a_name_that_somebody_has_is_not_given_to_another(operator: Client, world: World) -> None:
    author, was = world.people["author"], world.people["author"].username
    for name in (world.people["auditor"].username, world.principal("auditor").actor):
        operator.post(f"/admin/auth/user/{author.pk}/change/", {"username": name, "is_active": "on"})
        author.refresh_from_db()
        assert author.username == was
