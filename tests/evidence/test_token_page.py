"""An operator issues a token on a page, sees its text once, and sees which expire soon."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from evidence.errors import AccessDenied
from evidence.models import AccessToken, Scope
from evidence.services.people.tokens import issue_token, revoke_token
from tests.factories import World

ADD = "/admin/evidence/accesstoken/add/"


def asked(world: World, **over: Any) -> dict[str, Any]:
    return {
        "name": "credit app", "owner": world.people["author"].pk, "scopes": ["ingest"], "systems": [world.system.pk],
        "days": 30,
    } | over  # fmt: skip


@pytest.fixture
def operator(client: Client, world: World) -> Client:
    client.force_login(world.people["operator"])
    return client


def text_on(page: str) -> str:
    found = re.search(r'id="token-text">([^<]+)<', page)
    assert found, page[:3000]
    return found[1]


def test_its_text_is_shown_once_and_works(operator: Client, world: World) -> None:
    led = operator.post(ADD, asked(world))
    token = AccessToken.objects.get()
    record = reverse("admin:evidence_accesstoken_change", args=[token.pk])
    assert (led.status_code, led["Location"]) == (302, record), "loading it again issues no other"
    stored = operator.session.encode(dict(operator.session))
    answer = operator.get(record, headers={"accept-encoding": "gzip", "sec-fetch-site": "same-origin"})
    text = text_on(answer.content.decode())
    assert "Content-Encoding" not in answer.headers, "what holds a secret is not compressed"
    assert "no-store" in answer.headers["Cache-Control"]
    assert text not in str(operator.session.decode(stored)), "it waited sealed"
    assert "told_once" not in str(dict(operator.session)), "and waits no longer"
    assert text not in operator.get(record).content.decode()
    sent = Client().post(
        "/v1/traces", b"{}", content_type="application/json", headers={"Authorization": f"Bearer {text}"}
    )
    assert sent.status_code == 200


def test_what_the_owners_roles_do_not_hold_is_refused(operator: Client, world: World) -> None:
    answer = operator.post(ADD, asked(world, owner=world.people["reviewer"].pk))
    assert answer.status_code == 403
    assert "do not hold ingest" in answer.content.decode()
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    ("role", "scope"),
    [("auditor", "binder"), ("reviewer", "review"), ("researcher", "probe"), ("author", "import"), ("author", "read")],
)  # fmt: skip
def test_an_operator_reads_and_judges_nothing_by_a_token_in_anothers_name(
    operator: Client, world: World, role: str, scope: str
) -> None:
    """Its text is shown to whoever issues it: they would hold what no operator does, and nobody would notice."""
    answer = operator.post(ADD, asked(world, owner=world.people[role].pk, scopes=[scope]))
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"scopes"}
    with pytest.raises(AccessDenied, match="made on the machine itself"):
        issue_token(
            principal=world.principal("operator"), name="mine", owner=world.people[role], scopes=[Scope(scope)],
            systems=[world.system], expires_at=timezone.now() + timedelta(days=1),
        )  # fmt: skip
    assert not AccessToken.objects.exists()


def test_the_same_sent_again_issues_no_other(operator: Client, world: World) -> None:
    """A page that is loaded again sends its form again: a key whose text nobody kept would work for months."""
    assert operator.post(ADD, asked(world)).status_code == 302
    again = operator.post(ADD, asked(world))
    assert again.status_code == 409
    token = AccessToken.objects.get()
    assert f"has a token of this name already, {token.prefix}" in again.content.decode()
    revoke_token(principal=world.principal("operator"), token=token)
    assert operator.post(ADD, asked(world)).status_code == 302


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
