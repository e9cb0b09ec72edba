"""A browser gets a page, everybody else a problem document; both say the same, whatever was away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.db import (
    DataError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
    transaction,
)
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client
from django.urls import path, reverse
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.test import APIClient

from config import problems
from config.urls import urlpatterns as ours
from evidence import database_errors
from evidence.pages.refusal_words import REFUSAL_WORDS, Words
from tests.e2e.cases import make_task
from tests.factories import World, make_world

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


BAD_SQL = {
    "409": "INSERT INTO auth_group (id, name) VALUES (1, 'author'), (1, 'author')",
    "422": "SELECT 'not a number'::int",
}


def raise_it(request: HttpRequest, name: str) -> HttpResponse:
    """Fail as the test asks; the address stands for a page of the admin."""
    del request
    if name == "500":
        raise RuntimeError("a secret of the server")
    if name == "503":
        raise OperationalError("server closed the connection, password=hunter2")
    if name == "404":
        raise Http404("no such thing")
    with connection.cursor() as cursor:
        cursor.execute(BAD_SQL[name])
    raise AssertionError(f"{name} was not refused")


urlpatterns = [*ours, path("raise/<str:name>", raise_it)]
handler400, handler403 = "config.problems.bad_request", "config.problems.permission_denied"
handler404, handler500 = "config.problems.not_found", "config.problems.server_error"


@pytest.fixture
def page() -> Client:
    """A browser that nobody has signed in."""
    return Client(raise_request_exception=False, headers={"accept": BROWSER})


def shown(response: Any, status: int, code: str) -> str:
    """Check that this is our page of a problem, and return its text."""
    assert response.status_code == status, response.content[:500]
    assert response.headers["Content-Type"].startswith("text/html")
    assert "Accept" in response.headers["Vary"]
    text: str = response.content.decode()
    assert f"<code>{code}</code>" in text
    assert str(status) in text
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", text)
    for href in re.findall(r'<link rel="stylesheet" href="/static/([^"]+)"', text):
        assert finders.find(href), href
    return text


def told(response: Any, status: int, code: str) -> dict[str, Any]:
    """Check that this is a problem document, and return it."""
    assert (response.status_code, response.headers["Content-Type"]) == (status, "application/problem+json")
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    return body


@pytest.mark.django_db
@pytest.mark.urls("tests.config.test_problem_pages")
@pytest.mark.parametrize(
    ("name", "code"),
    [("404", "not_found"), ("409", "conflicting_content"), ("422", "unstorable_value"), ("500", "internal_error"),
     ("503", "database_away")],
)  # fmt: skip
def test_what_a_page_raises_is_one_answer_in_two_forms(page: Client, name: str, code: str) -> None:
    body = told(in_savepoint(Client(raise_request_exception=False), f"/raise/{name}"), int(name), code)
    text = shown(in_savepoint(page, f"/raise/{name}"), int(name), code)
    words = REFUSAL_WORDS[code] if code in REFUSAL_WORDS else Words(body["title"], body["detail"])
    assert f"<h1>{words.title}</h1>" in text
    assert escape(str(words.said or body["detail"])) in text
    assert "secret" not in text + str(body)
    assert "hunter2" not in text + str(body)


def in_savepoint(client: Client, address: str) -> Any:
    """Ask without leaving the test's transaction broken."""
    with transaction.atomic():
        savepoint = transaction.savepoint()
        response = client.get(address)
        transaction.savepoint_rollback(savepoint)
    return response


@pytest.mark.django_db
@pytest.mark.urls("tests.config.test_problem_pages")
def test_a_500_promises_nothing_that_nobody_knows(page: Client) -> None:
    body = told(Client(raise_request_exception=False).get("/raise/500"), 500, "internal_error")
    assert "not known" in body["detail"]
    assert "Nothing of this request was stored" not in body["detail"]
    assert "safe" not in body["detail"]


@pytest.mark.django_db
def test_the_api_answers_in_json_whoever_asks(page: Client, world: World) -> None:
    told(page.get("/api/v1/traces"), 401, "not_authenticated")
    page.force_login(world.people["operator"])
    told(page.get("/api/v1/traces"), 403, "access_denied")
    page.force_login(world.people["auditor"])
    told(page.get("/api/v1/eval-runs/1"), 404, "not_found")
    told(page.get("/api/v1/nothing-here"), 404, "not_found")
    told(page.delete("/api/v1/traces"), 405, "method_not_allowed")


@pytest.mark.django_db
def test_a_list_of_the_api_is_json_for_a_browser_too(page: Client, world: World) -> None:
    page.force_login(world.people["auditor"])
    assert page.get("/api/v1/traces").json()["results"] == []


def framed(response: Any, status: int, code: str, title: str) -> str:
    """Check that this is a refusal in the frame, with the way home, and return its text."""
    text: str = response.content.decode()
    assert (response.status_code, f"<code>{code}</code>" in text) == (status, True), text[-2000:]
    assert f"<h1>{title}</h1>" in text
    assert '<nav class="tb-rail"' in text
    assert f'<a href="{reverse("admin:index")}">' in text
    return text


@pytest.mark.django_db
def test_whoever_is_signed_in_is_refused_in_the_frame(page: Client, world: World) -> None:
    page.force_login(world.people["auditor"])
    framed(page.get("/admin/interpret/finding/"), 403, "permission_denied", "Not for your role")
    framed(page.get("/admin/nothing-here/"), 404, "not_found", "Not found")
    text = framed(
        page.get("/admin/evidence/trace/?system__name__regex=("),
        400,
        "bad_request",
        "The request cannot be read",
    )
    assert "system__name__regex" not in text
    framed(page.delete("/admin/evidence/trace/"), 405, "method_not_allowed", "This page does not take that")
    framed(page.get("/nothing-here", headers={"accept-language": "zh-hans"}), 404, "not_found", "未找到")


@pytest.mark.django_db
def test_who_is_not_signed_in_is_told_in_their_language_too(page: Client) -> None:
    text = shown(page.get("/nothing-here", headers={"accept-language": "zh-hans"}), 404, "not_found")
    assert '<html lang="zh-hans"' in text
    assert "<h1>未找到</h1>" in text


@pytest.mark.django_db
def test_what_is_another_systems_is_refused_like_what_there_is_not(page: Client, world: World) -> None:
    """In the same words, on every page of a record: opened, deleted, or asked for its history or review."""
    task = make_task(make_world("aml-copilot"))
    page.force_login(world.people["auditor"])
    for noun, row in (("reviewtask", task), ("trace", task.trace), ("system", task.trace.system)):
        for view in ("change/", "history/", "delete/", "review/" if noun == "trace" else "change/"):
            address = f"/admin/evidence/{noun}/{{}}/{view}"
            theirs, none = (page.get(address.format(key)) for key in (row.pk, row.pk + 100_000))
            assert (theirs.status_code, none.status_code) in {(404, 404), (403, 403)}, address
            assert same_but_for_masks(theirs) == same_but_for_masks(none)


def same_but_for_masks(response: Any) -> str:
    """Return a page without the tokens of its forms, which are masked anew each time."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", response.content.decode())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("referer", "led_to"),
    [
        ("http://testserver/admin/evidence/trace/?q=fee", "/admin/evidence/trace/?q=fee"),
        ("http://evil.example/admin/", ""), ("//evil.example/", ""), ("javascript:alert(1)", ""),
        ("http://testserver/nothing-here", ""),  # itself
    ],
)  # fmt: skip
def test_a_refusal_leads_back_to_a_page_of_ours_alone(page: Client, referer: str, led_to: str) -> None:
    text = page.get("/nothing-here", headers={"referer": referer}).content.decode()
    found = re.findall(r'<li><a href="([^"]*)">', text)
    assert found == [*([led_to] if led_to else []), "/admin/"]


def test_a_host_nobody_allowed(page: Client) -> None:
    shown(page.get("/healthz/", headers={"host": "evil.example"}), 400, "host_not_allowed")
    told(Client().get("/admin/", headers={"host": "evil.example"}), 400, "host_not_allowed")


@pytest.mark.django_db
def test_a_form_without_its_token(world: World) -> None:
    client = Client(enforce_csrf_checks=True, headers={"accept": BROWSER})
    shown(client.post("/admin/login/", {"username": "a"}), 403, "csrf_failed")
    client.force_login(world.people["auditor"])
    told(client.post("/api/v1/reviews", {}), 403, "permission_denied")
    page = "http://testserver/admin/password_change/"
    text = framed(client.post(page, headers={"referer": page}), 403, "csrf_failed", "The form is out of date")
    assert '<a href="/admin/password_change/">Back to the page before</a>' in text
    assert client.cookies["csrftoken"].value, "the form that is opened next must work"


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [(BROWSER, True), ("text/html", True), ("text/html;q=0.9,application/json;q=0.5", True), ("*/*", False),
     ("", False), ("application/json", False), ("application/json,text/html", False),
     ("application/problem+json", False),
     ("text/html;q=0.1,*/*", False), ("image/png", False), (";;;,", False), ("text/html;q=x", True)],
)  # fmt: skip
def test_who_gets_a_page(accept: str, is_page: bool) -> None:
    response = Client().get("/nothing", headers={"accept": accept})
    assert response.headers["Content-Type"].startswith("text/html") == is_page


class NoDatabase:
    """Stands in for the connection of a database that is away."""

    def __call__(self, *_: Any, **__: Any) -> None:
        raise OperationalError("server closed the connection")


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch, world: World) -> Iterator[Client]:
    """A browser of somebody who signed in before the database went away."""
    client = Client(raise_request_exception=False, headers={"accept": BROWSER})
    client.force_login(world.people["auditor"])
    with monkeypatch.context() as patch:
        patch.setattr(connections["default"], "cursor", NoDatabase())
        yield client


def test_without_the_database_the_admin_says_so(away: Client) -> None:
    for address in ("/admin/", "/admin/evidence/trace/", "/admin/evidence/trace/1/change/"):
        response = away.get(address)
        shown(response, 503, "database_away")
        assert response.headers["Retry-After"] == "5"


@pytest.mark.usefixtures("monitor")
def test_without_the_database_the_figures_are_a_503(away: Client, settings: Any) -> None:
    watching = {"authorization": f"Bearer {settings.MONITOR_TOKEN}"}
    shown(away.get("/metrics", headers=watching), 503, "database_away")
    assert away.get("/readyz").status_code == 503
    assert away.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_without_the_broker_the_figures_are_a_503(settings: Any, monitor: APIClient) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monitor.raise_request_exception = False
    told(monitor.get("/metrics"), 503, "broker_away")


@pytest.mark.django_db
def test_without_the_database_what_fails_before_any_view_is_a_503_too(
    monkeypatch: pytest.MonkeyPatch, page: Client
) -> None:
    """The locale is chosen by middleware; what it raised would come to Django's last handler."""
    monkeypatch.setattr("django.middleware.locale.LocaleMiddleware.process_request", NoDatabase())
    shown(page.get("/admin/"), 503, "database_away")


def test_each_exception_of_the_framework_has_a_code_that_is_documented() -> None:
    codes = {each.default_code for each in APIException.__subclasses__()} - {"invalid", "not_found"}
    assert codes <= set(problems.KINDS)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (IntegrityError, "23502"),
        (IntegrityError, ""),
        (ProgrammingError, "42601"),
        (ProgrammingError, "42703"),
    ],
)
def test_a_fault_of_ours_is_not_called_another(
    kind: type[Exception], state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_errors, "differs_from_this_version", lambda **_: False)
    error = kind("null value in column, or SQL that is none")
    error.__cause__ = type("Cause", (Exception,), {"sqlstate": state})()
    assert problems.answer(HttpRequest(), error) is None


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [(IntegrityError, "23505", "conflicting_content"), (IntegrityError, "23503", "conflicting_content"),
     (IntegrityError, "23514", "unstorable_value"), (DataError, "22003", "unstorable_value"),
     (OperationalError, "54000", "unstorable_value"),
     (OperationalError, "40P01", "database_busy"), (OperationalError, "55P03", "database_busy"),
     (OperationalError, "", "database_away"), (ProgrammingError, "42501", "database_upgrading"),
     (ProgrammingError, "42P01", "database_upgrading"), (ProgrammingError, "42703", "database_upgrading")],
)  # fmt: skip
def test_what_a_database_error_is_told_as(
    error: type[Exception], state: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_errors, "differs_from_this_version", lambda **_: True)
    raised = error("the database's own words")
    raised.__cause__ = type("Cause", (Exception,), {"sqlstate": state})()
    answer = problems.answer(HttpRequest(), raised)
    assert answer is not None
    assert f'"code": "{code}"' in answer.content.decode()
    assert "own words" not in answer.content.decode()


def test_a_refusal_of_the_framework_lists_its_faults_as_ours_do() -> None:
    detail: Any = {"pins": {0: {"kind": ["is none"]}}, "name": ["is short"]}
    refused = problems.answer(HttpRequest(), ValidationError(detail))
    assert refused is not None
    faults = {fault["path"]: fault["message"] for fault in json.loads(refused.content)["errors"]}
    assert faults == {"pins[0].kind": "is none", "name": "is short"}
