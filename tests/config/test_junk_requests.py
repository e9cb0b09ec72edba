"""Requests nobody would send on purpose get an answer that says what is wrong with them, and never a 500."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from evidence.errors import MOST_FAULTS
from evidence.models import Scope
from tests.factories import World

pytestmark = pytest.mark.django_db

PIN = b'{"slot":"m","kind":"model","key":"k","label":"1","metadata":%s}'
FAR = "9" * 23


def ask(world: World, path: str, body: bytes | None = None, *, method: str = "GET") -> Any:
    """Send one request with a token of every scope, and undo what it did."""
    client: Any = APIClient(raise_request_exception=False)
    verb, headers = (method if body is None else "POST"), world.headers(*Scope)
    with transaction.atomic():
        savepoint = transaction.savepoint()
        response = client.generic(verb, path, body or b"", content_type="application/json", **headers)
        transaction.savepoint_rollback(savepoint)
    return response


def code(response: Any, status: int) -> str:
    assert response.status_code == status, response.content[:500]
    assert response.headers["Content-Type"] == "application/problem+json"
    return str(response.json()["code"])


@pytest.mark.parametrize(
    "path",
    [f"/api/v1/eval-runs/{FAR}", f"/api/v1/gate-decisions/{FAR}", "/api/v1/eval-runs/" + "9" * 5000,
     "/log/tile/0/" + "x001/" * 1500 + "000", "/log/tile/entries/" + "x999/" * 1500 + "999",
     "/log/tile/0/" + "x999/" * 6 + "999",
     "/log/tile/" + "9" * 4400 + "/000", "/api/v1/traces/" + "٣" * 32, f"/api/v1/log/consistency?old={FAR}&new={FAR}"],
)  # fmt: skip
def test_what_cannot_be_there_is_not_found(world: World, path: str) -> None:
    assert code(ask(world, path), 404) == "not_found"


@pytest.mark.parametrize(
    "path",
    ["/api/v1/traces/%00", "/api/v1/traces?system=%00", "/api/v1/traces?%00=1", "/api/v1/deployments?environment=%00",
     "/api/v1/index-diff?from=%00", "/api/v1/spans?attribute=a%00=b&attribute=c=d", "/%00", "/admin/%00",
     "/admin/evidence/blob/%00/change/", "/admin/evidence/auditevent/?object_id=%00", "/healthz?a=%00", "/static/%00"],
)  # fmt: skip
def test_an_address_with_a_nul_in_it_is_refused(world: World, path: str) -> None:
    assert code(ask(world, path), 422) == "invalid_input"
    assert code(ask(world, path, b"{}"), 422) == "invalid_input"


@pytest.mark.parametrize(
    "query",
    ["since=0001-01-01T00:00:00%2B23:59&until=0001-01-01T10:00:00%2B23:59",
     "since=9999-12-31T23:59:00-23:59&until=9999-12-31T23:59:59-23:59",
     "since=9999-12-31T23:00:00Z&until=0001-01-01T00:00:00Z", "since=x&until=y"],
)  # fmt: skip
def test_times_that_are_none_are_refused(world: World, query: str) -> None:
    assert code(ask(world, f"/api/v1/spans?{query}"), 422) == "invalid_input"


def test_the_last_hours_of_time_can_be_asked_about(world: World) -> None:
    window = "since=9999-12-31T22:00:00Z&until=9999-12-31T23:00:00Z"
    assert ask(world, f"/api/v1/spans?{window}").json()["results"] == []
    assert ask(world, f"/api/v1/spans?{window}&attribute=a=1e999").json()["results"] == []


@pytest.mark.parametrize(
    "metadata",
    [b'{"a":"\\u0000"}', b'{"\\u0000":1}', b'{"a":"\\ud800"}', b'{"a":' + b"9" * 400 + b"}", b'{"a":1e400}',
     b'{"a":-1e400}',
     b'{"a":1,"a":2}', b"[" * 100 + b"]" * 100, b'{"a":NaN}', b'{"a":9007199254740992}'],
)  # fmt: skip
def test_json_that_could_not_be_kept_as_it_is_is_refused(world: World, metadata: bytes) -> None:
    body = b'{"system":"credit-assistant","name":"r9","pins":[%s]}' % (PIN % metadata)
    response = ask(world, "/api/v1/releases", body)
    assert code(response, 422) == "invalid_input"
    assert response.json()["errors"][0]["code"] == "unstorable_value"


def test_of_a_body_full_of_faults_not_all_are_told(world: World) -> None:
    body = b'{"system":"credit-assistant","name":"r9","pins":[%s]}' % b",".join([b'"\\u0000"'] * 10_000)
    assert len(ask(world, "/api/v1/releases", body).json()["errors"]) == MOST_FAULTS


def test_a_filter_given_too_often_is_refused_and_the_limit_named(world: World, settings: Any) -> None:
    settings.MAX_REPEATED_FILTERS = 2
    window = "since=2026-01-01T00:00:00Z&until=2026-01-01T01:00:00Z"
    told = ask(world, f"/api/v1/spans?{window}&attribute=a=1&attribute=b=2&attribute=c=3")
    assert code(told, 422) == "invalid_input"
    assert "TRACEBINDER_MAX_REPEATED_FILTERS allows 2" in told.json()["detail"]
    assert ask(world, f"/api/v1/spans?{window}&attribute=a=1&attribute=b=2").status_code == 200


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"{", b"\xff", b'{"a":' + b"9" * 5000 + b"}", b'"\\ud800', b"{}x"]
)
def test_bytes_that_are_no_json_are_refused(world: World, body: bytes) -> None:
    assert code(ask(world, "/api/v1/releases", body), 400) == "parse_error"


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"', b"[{}]", b"{}"])
def test_json_that_is_no_object_of_ours_is_refused(world: World, body: bytes) -> None:
    assert code(ask(world, "/api/v1/requirements/lint", body), 422) == "invalid_input"


def test_a_number_too_large_for_a_digest_is_refused(world: World) -> None:
    body = (
        b'{"system":"credit-assistant","key":"k","criteria":[{"requirement":"x","version":%s}]}'
        % FAR.encode()
    )
    assert code(ask(world, "/api/v1/gates", body), 422) == "invalid_input"


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "bz2_codec"])
def test_json_in_another_charset_is_refused(world: World, charset: str) -> None:
    client: Any = APIClient(raise_request_exception=False)
    response = client.generic(
        "POST", "/api/v1/requirements/lint", "{}", content_type=f"application/json; charset={charset}",
        **world.headers(Scope.READ),
    )  # fmt: skip
    assert code(response, 415) == "unsupported_media_type"


def test_a_body_larger_than_any_is_refused_before_it_is_read(world: World, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body = b'{"statement": "' + b"x" * 2000 + b'"}'
    assert code(ask(world, "/api/v1/requirements/lint", body), 413) == "body_too_large"


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "multipart/form-data", "application/jso"])
def test_a_body_of_another_type_is_refused(world: World, media: str) -> None:
    client: Any = APIClient(raise_request_exception=False)
    response = client.generic(
        "POST", "/api/v1/requirements/lint", "{}", content_type=media, **world.headers(Scope.READ)
    )
    assert code(response, 415) == "unsupported_media_type"


OPEN = [
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/log/checkpoint",
    "/log/tile/0/000",
    "/api/schema",
    "/api/docs",
]
CLOSED = ["/api/v1/traces", "/api/v1/eval-runs/1", "/api/v1/trust"]


@pytest.mark.parametrize("path", [*(path for path in OPEN if path != "/"), *CLOSED])
def test_a_wrong_method_is_told_which_there_are(world: World, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "NONSENSE", "INITIAL", "QUERY"):
        for caller in (ask(world, path, method=method), APIClient().generic(method, path)):
            assert code(caller, 405) == "method_not_allowed"
            assert {"GET", "HEAD", "OPTIONS"} <= set(caller.headers["Allow"].split(", "))


def test_an_address_that_is_written_to_cannot_be_read(world: World) -> None:
    for path in ("/v1/traces", "/api/v1/readings/try", "/api/v1/requirements/import"):
        response = ask(world, path)
        assert code(response, 405) == "method_not_allowed"
        assert response.headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("path", [*OPEN, "/api/v1/traces", "/api/v1/checks", "/api/v1/trust"])
def test_head_is_get_without_the_body(world: World, path: str) -> None:
    head, get = ask(world, path, method="HEAD"), ask(world, path)
    assert (head.status_code, head.content) == (get.status_code, b"")


@pytest.mark.parametrize("path", [*OPEN, *CLOSED])
def test_options_tells_the_methods_and_nothing_else(world: World, path: str) -> None:
    response = ask(world, path, method="OPTIONS")
    assert (response.status_code, response.content) == (204, b"")
    assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "GET"])
def test_nobody_learns_nothing(world: World, method: str) -> None:
    assert APIClient().generic(method, "/api/v1/traces").status_code == 401


def test_a_query_of_more_parameters_than_anybody_needs_is_refused(world: World) -> None:
    query = "&".join(f"a{number}=1" for number in range(2000))
    assert code(ask(world, f"/api/v1/traces?{query}"), 400) == "bad_request"


def test_an_eval_format_with_a_nul_in_it_leaves_no_trace_in_the_ledger(world: World) -> None:
    assert (
        code(ask(world, "/api/v1/eval-runs?system=credit-assistant&format=%00", b"{}"), 422)
        == "invalid_input"
    )


@pytest.mark.parametrize(
    "cookie", ["sessionid", "csrftoken", "django_language", "messages", "tb-theme", "a\\000b"]
)
def test_a_cookie_with_a_nul_in_it_is_as_if_it_had_not_come(world: World, cookie: str) -> None:
    """A header holds none; but written as `\\000`, in quotation marks, it is one once it is read."""
    client = Client()  # which raises what a view does
    sent = f'{cookie}="{"a" * 15}\\000{"b" * 16}"'
    for page in ("/admin/", "/admin/login/", "/api/v1/systems", "/healthz"):
        plain, odd = client.get(page), client.get(page, headers={"cookie": sent})
        assert (odd.status_code, odd.headers.get("Location")) == (
            plain.status_code,
            plain.headers.get("Location"),
        )
    client.force_login(world.people["auditor"])
    own = f"sessionid={client.cookies['sessionid'].value}"
    if cookie != "sessionid":
        assert client.get("/admin/", headers={"cookie": f"{own}; {sent}"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Basic " + base64.b64encode(b"x:tb_a\0b").decode()},
        {"authorization": "Basic " + base64.b64encode(b"tb_a\0b:").decode()},
        {"authorization": "Bearer tb_a\0b"}, {"authorization": "\0"}, {"x-api-key": "tb_a\0b"},
    ],
)  # fmt: skip
def test_a_nul_where_a_token_stands_is_an_unknown_token(headers: dict[str, str]) -> None:
    answer = Client().get("/api/v1/systems", headers=headers)
    assert code(answer, 401)


@pytest.mark.parametrize(
    "header", ["accept-language", "accept", "prefer", "referer", "x-forwarded-for", "origin"]
)
def test_a_nul_in_a_header_is_no_fault_of_ours(world: World, header: str) -> None:
    client = Client()
    client.force_login(world.people["operator"])
    for page in ("/admin/", "/api/v1/systems", "/admin/evidence/legalhold/add/"):
        assert client.get(page, headers={header: "a\0b"}).status_code < 500
        assert client.post(page, {}, headers={header: "a\0b"}).status_code < 500
