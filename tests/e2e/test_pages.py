"""Every page in a real browser: nothing it needs is refused by the policy, and it can be read in both languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.urls import reverse

from evidence.models import ReviewTask, Scope
from evidence.services import reviews
from requirements.models import Assessment, RequirementVersion
from tests.e2e.browser import speak, wear
from tests.e2e.cases import make_task
from tests.evidence.test_admin import store_what_other_parts_store
from tests.factories import World, make_world

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Any]

# Told by the browser itself before any script of the page runs: also what a page would keep from the log.
LISTEN = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


def full_world() -> World:
    """Return a system with a row of most nouns."""
    world = make_world()
    task = make_task(world)
    make_task(world)  # which nobody has judged
    world.token(Scope.READ)
    store_what_other_parts_store(world)
    reviews.record_review(principal=world.principal("reviewer"), trace=task.trace, decision="approve")
    return world


def pages_of(person: User) -> Iterator[str]:
    """Yield home, all records, and list, first record and form of each noun this person may see or add."""
    yield from (reverse("admin:index"), reverse("admin:records"), reverse("admin:password_change"))
    request = RequestFactory().get("/")
    request.user = person
    for model, model_admin in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        if not model_admin.has_view_permission(request):
            continue
        yield reverse(f"{name}_changelist")
        row = model_admin.get_queryset(request).order_by("-pk").first()
        if row is not None:
            yield reverse(f"{name}_change", args=[row.pk])
        if model_admin.has_add_permission(request):
            yield reverse(f"{name}_add")
        if row is not None and model_admin.has_delete_permission(request, row):
            yield reverse(f"{name}_delete", args=[row.pk])


def complaints(browser: Any) -> list[str]:
    """Return what the browser refused or could not do on the page it shows."""
    refused = browser.execute_script("return window.refused || ['the listener is not there']")
    logged = [
        each["message"] for each in browser.get_log("browser") if each["level"] in {"SEVERE", "WARNING"}
    ]
    return [*refused, *logged]


@pytest.fixture
def listening(chromium: Any) -> Iterator[Any]:
    """The browser, telling of each thing that a policy refused."""
    listener = chromium.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LISTEN})
    chromium.get_log("browser")
    yield chromium
    chromium.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", listener)


def test_what_the_policy_refuses_would_be_seen(sign_in: SignIn, listening: Any) -> None:
    browser = sign_in(make_world().people["reviewer"])
    assert complaints(browser) == []
    browser.execute_script("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">red</p>')")
    assert any("style-src" in said for said in complaints(browser))
    browser.execute_script(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"alert(1)\">')"
    )
    assert any("script-src" in said for said in complaints(browser))


def shared_out(people: dict[str, User]) -> dict[str, list[str]]:
    """Return which role opens which pages, so that each page is opened once and each role opens some."""
    seen = {role: list(pages_of(person)) for role, person in people.items()}
    shares: dict[str, list[str]] = {role: [] for role in people}
    for page in dict.fromkeys(page for pages in seen.values() for page in pages):
        shares[
            min((role for role in people if page in seen[role]), key=lambda role: len(shares[role]))
        ].append(page)
    return shares


def test_no_page_needs_what_the_policy_refuses(sign_in: SignIn, listening: Any, live_server: Any) -> None:
    """Each page once, by one of the roles that see it; `make soak` opens all of them as every role."""
    world = full_world()
    shares = shared_out(world.people)
    assert sum(len(pages) for pages in shares.values()) > 100
    assert min(len(pages) for pages in shares.values()) > 5
    for role, pages in shares.items():
        browser = sign_in(world.people[role])
        assert complaints(browser) == [], f"home of {role}"
        for page in pages:
            browser.get(f"{live_server.url}{page}")
            assert complaints(browser) == [], f"{page} as {role}"
            assert browser.find_elements("css selector", "nav.tb-rail"), f"{page} stands outside the frame"


@pytest.mark.soak
def test_no_page_needs_what_the_policy_refuses_as_any_role(
    sign_in: SignIn, listening: Any, live_server: Any
) -> None:
    world = full_world()
    for role, person in world.people.items():
        browser = sign_in(person)
        for page in pages_of(person):
            browser.get(f"{live_server.url}{page}")
            assert complaints(browser) == [], f"{page} as {role}"


def test_the_frame_in_both_languages_and_schemes(sign_in: SignIn, live_server: Any, shoot: Any) -> None:
    world = full_world()
    task = ReviewTask.objects.latest("pk")
    looks = {
        "home": reverse("admin:index"),
        "records": reverse("admin:records"),
        "queue": reverse("admin:evidence_reviewtask_changelist"),
        "review": reverse("admin:evidence_reviewtask_change", args=[task.pk]),
        "assessment": reverse(
            "admin:requirements_assessment_change", args=[Assessment.objects.latest("pk").pk]
        ),
        "requirement": reverse(
            "admin:requirements_requirementversion_change", args=[RequirementVersion.objects.latest("pk").pk]
        ),
    }
    browser = sign_in(world.people["reviewer"])
    for language, home in (("en", "Home"), ("zh-hans", "首页")):
        speak(browser, language)
        for scheme in ("light", "dark"):
            wear(browser, scheme)
            for name, address in looks.items():
                browser.get(f"{live_server.url}{address}")
                assert browser.find_element("css selector", "html").get_attribute("lang") == language
                assert browser.find_element("css selector", ".tb-rail a").text == home
                shoot(f"{name}-{language}-{scheme}")
    wear(browser, "light")
