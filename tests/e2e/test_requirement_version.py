"""What an approver sees of a requirement version and does with it: words that changed, warnings, one button."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from requirements.selectors.requirements import state_of
from requirements.selectors.wording import fingerprint_of
from tests.e2e.browser import click, see, speak
from tests.factories import make_world
from tests.requirements.builders import AUTHOR, approve, ask_to_retire, make_criterion, move, reworded

pytestmark = pytest.mark.django_db(transaction=True)

WAS = "{en: Each answer must be explainable and cite its sorces., zh-Hans: 每个回答必须引用来原。}"
IS = "{en: Each answer must be explainable and cite its sources., zh-Hans: 每个回答必须引用来源。}"


def test_an_approver_reads_what_changed_ticks_the_warnings_and_agrees(
    live_server: LiveServer, sign_in: Callable[[User], Any], shoot: Callable[[str], None]
) -> None:
    world = make_world()
    make_criterion(world)
    first = reworded(world, WAS)
    approve(first)
    ask_to_retire(first)
    second = reworded(world, IS, change="editorial")
    move(second, "in_review", AUTHOR)
    browser = sign_in(world.people["approver"])
    page = f"{live_server.url}/admin/requirements/requirementversion/{second.pk}/change/"
    for language, said in (
        ("zh-hans", "此变更仅为文字修订"),
        ("en", "I agree that this change is editorial"),
    ):
        speak(browser, language)
        browser.get(page)
        told = see(browser, said)
        assert "sources" in told
        shoot(f"requirement-version-{language}")
    click(browser, "css selector", "button[value=approved]")
    assert "not_testable@statement.en is a warning" in see(browser, "is not ticked")
    assert state_of(second) == "in_review"
    for box in browser.find_elements("css selector", "input[name=warnings_read], input[name=change]"):
        box.click()
    click(browser, "css selector", "button[value=approved]")
    see(browser, "is now approved")
    shoot("requirement-version-approved")
    assert (state_of(second), fingerprint_of(second)) == ("approved", first.fingerprint)
    browser.get(f"{live_server.url}/admin/requirements/retirementrequest/")
    see(browser, "over")
    shoot("requirement-retirements")
