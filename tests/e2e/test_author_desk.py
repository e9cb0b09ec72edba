"""From a sentence that nobody can check to an approved version, in a browser alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from requirements.models import RequirementVersion
from requirements.selectors.requirements import state_of
from tests.e2e.browser import beyond, click, see, speak
from tests.factories import make_world

pytestmark = pytest.mark.django_db(transaction=True)

LISTED = "/admin/requirements/requirementversion/"


def write(browser: Any, field: str, text: str) -> None:
    """Write a field anew, as a person does."""
    element = browser.find_element("css selector", f"[name='{field}']")
    if element.tag_name == "select":
        element.find_element("css selector", f"option[value='{text}']").click()
        return
    element.clear()
    element.send_keys(text)


def press(browser: Any, act: str) -> None:
    """Press a button that is seen: the first one of the form is for the key Enter."""
    click(browser, "css selector", f".tb-buttons button[value='{act}'], .tb-desk-add button[value='{act}']")


def test_an_author_drafts_mends_and_proposes_and_another_approves(
    live_server: LiveServer, sign_in: Callable[[User], Any], shoot: Callable[[str], None]
) -> None:
    world = make_world()
    browser = sign_in(world.people["author"])
    speak(browser, "en")
    browser.get(f"{live_server.url}{LISTED}")
    click(browser, "link text", "Draft a requirement")
    see(browser, "Nothing is stored yet")
    for field, text in {
        "key": "states-limits",
        "statement.en": "Answers should be helpful.",
        "risk_tier": "high",
        "layer": "product",
        "owner": "product-owner",
    }.items():
        write(browser, field, text)
    # Nobody pressed anything yet: what is typed is looked at by itself, and nothing typed is lost by it.
    assert "helpful" in see(browser, "Doubt", within="#tb-statement-en-said")
    assert browser.find_element("name", "owner").get_attribute("value") == "product-owner"
    write(browser, "check", "answers.confidence_and_limits")
    press(browser, "criterion")
    see(browser, "Draft a requirement", within="#content h1")
    press(browser, "save")
    assert "line 2" in see(browser, "must be a whole number", within="#tb-rest-said").lower()
    shoot("desk-faults")
    rest = browser.find_element("name", "rest").get_attribute("value")
    filled = (
        rest.replace("- key:  #", "- key: limits  #").replace("at_least:  #", "at_least: 0.7  #")
        .replace("min_n:  #", "min_n: 11  #")
    )  # fmt: skip
    write(browser, "rest", filled)
    press(browser, "save")
    see(browser, "Saved as a draft: states-limits v1.")
    assert "helpful" in see(browser, "Doubt", within="#tb-statement-en-said")
    shoot("desk-draft")
    write(browser, "statement.en", "Each answer must state its limits.")
    write(browser, "statement.zh-Hans", "每个回答必须说明其局限。")
    press(browser, "propose")
    see(browser, "Proposed: states-limits v2.")
    assert state_of(RequirementVersion.objects.latest("pk")) == "in_review"
    speak(browser, "zh-hans")
    browser.refresh()
    see(browser, "存为草稿")
    shoot("desk-in-review-zh")
    version = RequirementVersion.objects.latest("pk")
    approver = sign_in(world.people["approver"])
    speak(approver, "en")
    approver.get(f"{live_server.url}{LISTED}{version.pk}/change/")
    assert "Draft its next version" not in see(approver, "Decide on this version")
    for box in approver.find_elements("css selector", "input[name=warnings_read]"):
        box.click()
    click(approver, "css selector", "button[value=approved]")
    see(approver, "is now approved")


def test_the_desk_is_worked_without_a_mouse(
    live_server: LiveServer, sign_in: Callable[[User], Any], shoot: Callable[[str], None]
) -> None:
    from selenium.webdriver.common.keys import Keys

    world = make_world()
    browser = sign_in(world.people["author"])
    speak(browser, "en")
    browser.get(f"{live_server.url}/admin/draft/")
    see(browser, "Nothing is stored yet")
    fields = "form[data-desk] :is(input, select, textarea):not([type=hidden])"
    labelled = f"return [...document.querySelectorAll('{fields}')]"
    assert all(browser.execute_script(f"{labelled}.map((each) => each.labels.length > 0)"))
    browser.find_element("name", "key").send_keys("k", Keys.TAB)
    reached: list[str] = []
    while len(reached) < 30 and "actpropose" not in reached:
        here = browser.switch_to.active_element
        reached.append(f"{here.get_attribute('name')}{(here.get_attribute('value') or '')[:8]}")
        drawn = browser.execute_script("return getComputedStyle(arguments[0]).outlineStyle", here)
        assert drawn == "solid", f"nobody sees that {reached[-1]} has the focus"
        here.send_keys(Keys.TAB)
    assert {
        "external_id",
        "statement.en",
        "rationale",
        "restcriteria",
        "actcheck",
        "actsave",
        "actpropose",
    } <= set(reached)
    # Enter looks, and stores nothing.
    browser.find_element("name", "owner").send_keys("me", Keys.ENTER)
    see(browser, "Faults:")
    assert not RequirementVersion.objects.exists()
    shoot("desk-new")
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    assert beyond(browser) <= 0
    shoot("desk-narrow")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
