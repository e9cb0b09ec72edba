"""An approver answers a doubt in a real browser: from the front page to the panel of the release, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from evidence.models import Defeater
from interpret.services.attachment import attach_findings
from tests.e2e.browser import beyond, click, see, speak
from tests.e2e.test_finding_page import keep, resize, world
from tests.factories import World

__all__ = ["resize", "world"]

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Any]


def test_an_approver_answers_a_doubt(
    sign_in: SignIn, live_server: Any, world: World, resize: Callable[[int], None]
) -> None:
    attach_findings()
    doubt = Defeater.objects.get()
    release = reverse("admin:evidence_release_change", args=[doubt.release_id])
    browser = sign_in(world.people["approver"])
    resize(390)
    speak(browser, "en")
    browser.get(f"{live_server.url}/admin/")
    see(browser, "since today")
    keep(browser, "home", 390)
    browser.get(f"{live_server.url}{release}")
    keep(browser, "release", 1280)
    click(browser, "partial link text", "doubt stands")
    see(browser, "Something inside the model was looked for")
    keep(browser, "doubts", 1280)
    click(browser, "css selector", "#result_list tbody a")
    see(browser, "Nobody has answered.")
    click(browser, "link text", "Answer it")
    resize(390)
    see(browser, "Accepted until")
    keep(browser, "form", 390)
    resize(390)
    assert beyond(browser) <= 0, "the form scrolls sideways"
    click(browser, "css selector", "input[value=mitigated]")
    browser.find_element("name", "words").send_keys("The tokenizer was replaced.")
    click(browser, "css selector", "#content button[type=submit]")
    see(browser, "The tokenizer was replaced.")
    keep(browser, "answered", 1280)
    speak(browser, "zh-hans")
    browser.get(f"{live_server.url}{release}")
    see(browser, "其质疑均已了结")
    browser.get(f"{live_server.url}{reverse('admin:evidence_defeater_change', args=[doubt.pk])}")
    see(browser, "已缓解")
    keep(browser, "answered-zh", 1280)
