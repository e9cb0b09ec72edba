"""An operator sees which tokens are in use, when and for what; noting it holds no request up."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from evidence import clock
from evidence.models import AccessToken, Scope
from evidence.services.people.token_uses import NOTED_EVERY
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.evidence.token_expiry import set_expiry
from tests.factories import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def headers(world: World) -> dict[str, Any]:
    return world.headers(Scope.READ)


def later(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    now = timezone.now() + by
    monkeypatch.setattr(clock, "now", lambda: now)


def used() -> tuple[datetime | None, str]:
    token = AccessToken.objects.get()
    return token.last_used_at, token.last_used_for


def test_a_use_is_noted_to_the_minute_with_what_was_asked(api: APIClient, headers: dict[str, Any]) -> None:
    assert used() == (None, "")
    before = timezone.now().replace(second=0, microsecond=0)
    assert api.get(f"/api/v1/traces/{'ab' * 16}", **headers).status_code == 404
    at, asked = used()
    assert at is not None
    assert (at.second, at.microsecond) == (0, 0)
    assert before <= at <= timezone.now()
    assert asked == "GET /api/v1/traces/<str:trace_id>", "what was asked for by which id is in it"


def test_telemetry_is_a_use(api: APIClient, world: World) -> None:
    body = make_request(make_span()).SerializeToString()
    answer = api.post("/v1/traces", body, content_type=PROTOBUF, **world.headers(Scope.INGEST))
    assert answer.status_code == 200
    assert used()[1] == "POST /v1/traces"


def test_it_is_written_once_in_ten_minutes(
    api: APIClient, headers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    api.get("/api/v1/traces", **headers)
    first = used()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        for _ in range(3):
            api.get("/api/v1/claims", **headers)
    assert not [query for query in queries if query["sql"].startswith(("UPDATE", "INSERT", "DELETE"))]
    assert used() == first
    later(monkeypatch, NOTED_EVERY + timedelta(minutes=1))
    api.get("/api/v1/claims", **headers)
    at, asked = used()
    assert at is not None
    assert first[0] is not None
    assert at > first[0]
    assert asked == "GET /api/v1/claims"


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_what_opens_nothing_is_no_use(api: APIClient, headers: dict[str, Any], how: str) -> None:
    if how == "revoked":
        AccessToken.objects.update(revoked_at=timezone.now())
    else:
        set_expiry(AccessToken.objects.get(), timezone.now())
    assert api.get("/api/v1/traces", **headers).status_code == 401
    assert used() == (None, "")


def test_a_guess_is_no_use(api: APIClient, headers: dict[str, Any]) -> None:
    wrong = headers["HTTP_AUTHORIZATION"][:-1] + "_"
    assert api.get("/api/v1/traces", HTTP_AUTHORIZATION=wrong).status_code == 401
    assert used() == (None, "")


def test_a_request_goes_on_where_it_cannot_be_noted(
    api: APIClient, headers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(QuerySet, "update", refuse)
    assert api.get("/api/v1/traces", **headers).status_code == 200
    assert used() == (None, "")


@pytest.mark.django_db(transaction=True)
def test_no_request_waits_for_another_at_the_same_token(world: World) -> None:
    headers, answers = world.headers(Scope.READ), []

    def ask() -> None:
        try:
            answers.append(APIClient().get("/api/v1/traces", **headers).status_code)
        finally:
            connection.close()

    with transaction.atomic():
        AccessToken.objects.select_for_update().get()
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(timeout=20)
        assert answers == [200], "it waits for the row"
    assert used() == (None, "")


def test_an_operator_reads_it(
    client: Client, api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch, timedelta())
    headers = world.headers(Scope.READ)
    client.force_login(world.people["operator"])
    unused = "/admin/evidence/accesstoken/?works=never_used"
    assert client.get(unused).context["cl"].result_count == 1
    api.get("/api/v1/traces", **headers)
    assert client.get(unused).context["cl"].result_count == 0
    token = AccessToken.objects.get()
    assert token.last_used_at is not None
    for page in ("", f"{token.pk}/change/"):
        shown = client.get(f"/admin/evidence/accesstoken/{page}").content.decode()
        assert "Last used at" in shown
        assert f"{token.last_used_at:%Y-%m-%d %H:%M}" in shown or f"{token.last_used_at:%H:%M}" in shown
    assert "GET /api/v1/traces" in shown
