"""A reviewer makes a token by keyboard, judges by it from a program of their own, and revokes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from evidence.access import principal_of_user
from evidence.models import AccessToken, Review
from evidence.services import reviews
from tests.e2e.accessibility import find_barriers
from tests.e2e.browser import beyond, click, see, speak
from tests.e2e.cases import make_task
from tests.e2e.test_finding_page import keep, resize
from tests.evidence.test_blinding import say
from tests.evidence.test_review_tokens import bearer, make_own
from tests.factories import make_world

__all__ = ["resize"]

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Any]
FOCUSED = "const at = document.activeElement; return at.name + '=' + (at.type === 'text' ? '' : at.value)"


def ask(url: str, token: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    """Send what a notebook would; return status and answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        with urlopen(Request(url, data, headers), timeout=60) as answer:  # the live server
            return answer.status, json.load(answer)
    except HTTPError as refused:
        return refused.code, json.load(refused)


def tab_to(browser: Any, wanted: str) -> Any:
    """Move by the tabulator key to what has this name and value, and return it."""
    from selenium.webdriver.common.keys import Keys

    for _ in range(80):
        if browser.execute_script(FOCUSED).startswith(wanted):
            return browser.switch_to.active_element
        browser.switch_to.active_element.send_keys(Keys.TAB)
    raise AssertionError(f"no key leads to {wanted}")


def look(browser: Any, name: str, resize: Callable[[int], None]) -> None:
    """See that the page has no barriers and does not scroll sideways, wide and narrow; keep pictures of it."""
    for width in (1280, 390):
        resize(width)
        keep(browser, f"{name}-{width}", width)
        assert find_barriers(browser) == []
        resize(width)
        assert beyond(browser) <= 0, f"{name} scrolls sideways at {width}"


def test_a_reviewer_makes_a_token_by_keyboard_judges_by_it_and_revokes_it(
    sign_in: SignIn, live_server: Any, resize: Callable[[int], None]
) -> None:
    from selenium.webdriver.common.keys import Keys

    world = make_world()
    task = make_task(world)
    browser = sign_in(world.people["reviewer"])
    speak(browser, "en")
    resize(1280)
    browser.get(f"{live_server.url}/admin/")
    browser.find_element("link text", "Tokens for reviews").send_keys(Keys.ENTER)
    see(browser, "Make a token")
    tab_to(browser, "name=").send_keys("notebook")
    tab_to(browser, "systems=").send_keys(Keys.SPACE)
    tab_to(browser, "days=").send_keys(Keys.ENTER)
    see(browser, "cannot be shown again")
    token = browser.find_element("id", "token-text").text
    look(browser, "token-shown-en", resize)

    api = f"{live_server.url}/api/v1"
    status, waiting = ask(f"{api}/review-tasks?standing=waiting", token)
    assert (status, [each["trace_id"] for each in waiting["results"]]) == (200, [task.trace.trace_id.hex])
    said = {
        "system": world.system.key, "trace_id": task.trace.trace_id.hex, "decision": "reject",
        "reason_code": "wrong_fact",
    }  # fmt: skip
    status, review = ask(f"{api}/reviews", token, said)
    assert (status, review["by_token"]) == (201, f"token:{AccessToken.objects.get().prefix}")
    assert Review.objects.get().reviewer == world.people["reviewer"]

    resize(1280)
    browser.get(f"{live_server.url}{reverse('admin:review_tokens')}")
    assert token not in browser.page_source
    tab_to(browser, "act=revoke").send_keys(Keys.ENTER)
    see(browser, "Revoked: notebook", within="body")
    assert ask(f"{api}/reviews", token, said)[0] == 401


def test_the_pages_in_both_languages_wide_and_narrow(
    sign_in: SignIn, live_server: Any, resize: Callable[[int], None]
) -> None:
    world = make_world()
    person, task = world.people["reviewer"], make_task(world)
    issued = make_own(person, world.system, name="annotation queue of the credit team")
    make_own(person, world.system, name="notebook")
    AccessToken.objects.filter(name="notebook").update(revoked_at=issued.token.created_at)
    assert say(bearer(issued), task).status_code == 201
    second = world.join("second", "reviewer")
    reviews.record_review(principal=principal_of_user(second), trace=task.trace, decision="approve")
    pages = {
        "tokens": (person, reverse("admin:review_tokens")),
        "review": (world.people["auditor"], reverse("admin:evidence_trace_review", args=[task.trace_id])),
        "dispute": (world.join("third", "reviewer"), reverse("admin:judge_answer", args=[task.trace_id])),
        "reviews": (world.people["auditor"], reverse("admin:evidence_review_changelist")),
    }
    for name, (who, address) in pages.items():
        browser = sign_in(who)
        for language in ("en", "zh-hans"):
            speak(browser, language)
            browser.get(f"{live_server.url}{address}")
            see(browser, issued.token.prefix, within="body")
            look(browser, f"{name}-{language}", resize)
    browser = sign_in(person)
    speak(browser, "zh-hans")
    browser.get(f"{live_server.url}{reverse('admin:review_tokens')}")
    browser.find_element("name", "name").send_keys("笔记本")
    click(browser, "css selector", "input[name=systems]")
    click(browser, "css selector", "button[value=make]")
    see(browser, "无法再次显示")
    look(browser, "token-shown-zh-hans", resize)
