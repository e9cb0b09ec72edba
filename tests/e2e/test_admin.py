"""The admin as people meet it, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from evidence.models import Review
from evidence.services import reviews
from tests.e2e.browser import click, see
from tests.e2e.cases import make_task
from tests.factories import make_world

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Any]


def test_a_reviewer_opens_the_queue_reads_the_evidence_and_overrides(
    sign_in: SignIn, live_server: LiveServer, shoot: Callable[[str], None]
) -> None:
    world = make_world()
    task = make_task(world)
    browser = sign_in(world.people["reviewer"])
    shoot("front-page-reviewer")
    click(browser, "partial link text", "Waiting for me")
    see(browser, "What does a personal loan of 9,000 cost")
    shoot("queue")
    click(browser, "partial link text", "What does a personal loan")
    page = see(browser, "Claims and their sources")
    assert "verbatim" in page
    assert "not found" in page
    assert browser.find_element("css selector", ".tb-place mark").text.startswith(
        "The annual percentage rate is 7.9%"
    )
    assert "unregistered" in page
    shoot("review-form")

    browser.find_element("css selector", "input[value=override]").click()
    browser.find_element("css selector", "button[name=review]").click()
    see(browser, "label the reason")
    shoot("review-refused")
    browser.find_element("css selector", "select[name=reason_code] option[value=unsupported_claim]").click()
    browser.find_element("name", "corrected_answer").send_keys(
        "The rate is 7.9%. We have no source on early repayment."
    )
    browser.find_element("name", "rationale").send_keys("Nothing in DOC-1 speaks of early repayment.")
    browser.find_element("css selector", "button[name=review]").click()
    see(browser, "on record: override")
    shoot("review-done")
    review = Review.objects.get(task=task)
    assert (review.decision, review.reason_code) == ("override", "unsupported_claim")
    assert review.machine_verdict["trace_digest"] == task.trace.digest


def test_an_auditor_sees_the_same_evidence_and_can_decide_nothing(
    sign_in: SignIn, live_server: LiveServer, shoot: Callable[[str], None]
) -> None:
    world = make_world()
    task = make_task(world, language="zh-Hans")
    reviews.record_review(trace=task.trace, principal=world.principal("reviewer"), decision="approve")
    browser = sign_in(world.people["auditor"])
    browser.get(f"{live_server.url}/admin/evidence/reviewtask/{task.pk}/change/")
    page = see(browser, "What people decided")
    assert "年利率为 7.9%" in page
    assert not browser.find_elements("css selector", "main form")
    assert browser.find_element("css selector", ".tb-answer").get_attribute("lang") == "zh-Hans"
    shoot("review-auditor-zh")


def test_internals_are_there_for_the_researcher_and_nowhere_for_the_reviewer(
    sign_in: SignIn, live_server: LiveServer, shoot: Callable[[str], None]
) -> None:
    world = make_world()
    browser = sign_in(world.people["researcher"])
    assert browser.find_elements("css selector", "a[href='/admin/interpret/finding/']")
    shoot("front-page-researcher")
    browser = sign_in(world.people["reviewer"])
    assert "/admin/interpret/" not in browser.page_source
    browser.get(f"{live_server.url}/admin/interpret/finding/")
    assert "403" in browser.page_source or "Forbidden" in browser.page_source
