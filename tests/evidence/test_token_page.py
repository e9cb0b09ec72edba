"""An operator issues a token on a page, sees its text once, and sees which expire soon."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from evidence.models import AccessToken
from tests.factories import World

ADD = "/admin/evidence/accesstoken/add/"


def asked(world: World, **over: Any) -> dict[str, Any]:
    return {
        "name": "credit app", "owner": world.people["author"].pk, "scopes": ["read"], "systems": [world.system.pk],
        "days": 30,
    } | over  # fmt: skip


@pytest.fixture
def operator(client: Client, world: World) -> Client:
    client.force_login(world.people["operator"])
    return client


def test_its_text_is_shown_once_and_works(operator: Client, world: World) -> None:
    answer = operator.post(ADD, asked(world))
    token, text = AccessToken.objects.get(), answer.context["text"]
    assert text in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    record = reverse("admin:evidence_accesstoken_change", args=[token.pk])
    assert text not in operator.get(record).content.decode()
    assert (
        Client().get("/api/v1/requirements", headers={"Authorization": f"Bearer {text}"}).status_code == 200
    )


def test_what_the_owners_roles_do_not_hold_is_refused(operator: Client, world: World) -> None:
    answer = operator.post(ADD, asked(world, scopes=["review"]))
    assert answer.status_code == 403
    assert "do not hold review" in answer.content.decode()
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    "over", [{"scopes": []}, {"systems": []}, {"days": 0}, {"days": 3651}, {"scopes": ["all"]}]
)
def test_what_cannot_be_issued_is_said_at_its_field(
    operator: Client, world: World, over: dict[str, Any]
) -> None:
    answer = operator.post(ADD, asked(world, **over))
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == set(over)


@pytest.mark.parametrize(("days", "state"), [(30, "active"), (13, "expires soon")])
def test_what_expires_soon_is_told(operator: Client, world: World, days: int, state: str) -> None:
    operator.post(ADD, asked(world, days=days))
    assert AccessToken.objects.get().expires_at - timezone.now() < timedelta(days=days)
    assert state in operator.get("/admin/evidence/accesstoken/").content.decode()


@pytest.mark.parametrize("role", ["reviewer", "approver", "auditor", "author", "researcher"])
def test_others_issue_none(client: Client, world: World, role: str) -> None:
    client.force_login(world.people[role])
    assert client.get(ADD).status_code == 403
