"""Every refusal is an RFC 9457 problem with a stable code, and says what to do."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpRequest, UnreadablePostError
from rest_framework.test import APIClient

from evidence.models import AccessToken, Scope
from evidence.services.people import tokens
from tests.e2e.cases import make_trace
from tests.factories import World, acting, make_world

pytestmark = pytest.mark.django_db


def problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert {"type", "code", "title", "status", "detail"} <= set(body)
    assert body["status"] == status
    return dict(body)


def test_without_a_token_the_answer_names_the_scheme(api: APIClient, world: World) -> None:
    response = api.get("/api/v1/traces")
    assert problem(response, 401)["code"] == "not_authenticated"
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_without_the_scope_is_refused(api: APIClient, world: World) -> None:
    response = api.get("/api/v1/traces", **world.headers(Scope.INGEST))
    assert problem(response, 403)["code"] == "access_denied"


@pytest.mark.parametrize("text", ["tb_0123456789ab_wrong", "tb_", "nonsense", "tb_ñ_ñ"])
def test_a_wrong_token_is_refused_in_one_sentence(api: APIClient, world: World, text: str) -> None:
    response = api.get("/api/v1/traces", HTTP_AUTHORIZATION=f"Bearer {text}".encode().decode("latin-1"))
    assert "unknown, expired or revoked" in str(problem(response, 401)["detail"])


def test_a_revoked_token_stops_working_at_once(api: APIClient, world: World) -> None:
    headers = world.headers(Scope.READ)
    assert api.get("/api/v1/traces", **headers).status_code == 200
    tokens.revoke_token(token=AccessToken.objects.latest("pk"), principal=acting())
    problem(api.get("/api/v1/traces", **headers), 401)


def test_another_systems_trace_is_not_found_rather_than_forbidden(api: APIClient, world: World) -> None:
    headers = world.headers(Scope.READ)

    def told_of(trace_id: str) -> dict[str, Any]:
        told = problem(api.get(f"/api/v1/traces/{trace_id}", **headers), 404)
        return told | {"detail": told["detail"].replace(trace_id, "")}

    theirs = make_trace(make_world("aml-copilot"))
    assert told_of(theirs.trace_id.hex) == told_of("ab" * 16)
    assert told_of(theirs.trace_id.hex)["code"] == "not_found"


def test_an_address_that_does_not_exist_is_a_problem_too(api: APIClient, world: World) -> None:
    assert problem(api.get("/api/v1/nothing-here"), 404)["code"] == "not_found"


def test_invalid_fields_are_listed(api: APIClient, world: World) -> None:
    response = api.post("/api/v1/releases", {"system": "x"}, format="json", **world.headers(Scope.IMPORT))
    faults: Any = problem(response, 422)["errors"]
    assert [(fault["in"], fault["path"], fault["code"]) for fault in faults] == [
        ("body", "name", "required"),
        ("body", "pins", "required"),
    ]


def test_a_system_of_others_cannot_be_written_to(api: APIClient, world: World) -> None:
    body = {
        "system": "somebody-elses",
        "name": "r1",
        "pins": [{"slot": "m", "kind": "model", "key": "k", "label": "1"}],
    }
    response = api.post("/api/v1/releases", body, format="json", **world.headers(Scope.IMPORT))
    assert "among yours" in str(problem(response, 404)["detail"])


def test_without_the_database_the_answer_says_when_to_come_back(
    api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("server closed the connection")

    headers = world.headers(Scope.READ)
    monkeypatch.setattr("evidence.api.authentication.TokenAuthentication.authenticate", fail)
    response = api.get("/api/v1/traces", **headers)
    assert problem(response, 503)["code"] == "database_away"
    assert response.headers["Retry-After"] == "5"


def test_an_error_of_our_own_says_nothing_of_its_cause(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr("evidence.api.authentication.TokenAuthentication.authenticate", fail)
    response = APIClient(raise_request_exception=False).get("/api/v1/traces", **world.headers(Scope.READ))
    assert response.status_code == 500
    assert response.json()["code"] == "internal_error"
    assert "hunter2" not in response.content.decode()


def test_a_sender_that_hangs_up_in_the_middle_is_no_fault_of_ours(
    api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang_up(self: HttpRequest) -> bytes:
        raise UnreadablePostError("Connection reset by peer")

    headers = world.headers(Scope.INGEST, Scope.IMPORT)
    monkeypatch.setattr(HttpRequest, "body", property(hang_up))
    for path in ("/v1/traces", "/api/v1/requirements/import?system=credit-assistant"):
        answer = api.post(path, b"x", content_type="application/x-protobuf", **headers)
        assert answer.status_code < 500 or answer.headers.get("Retry-After"), path
