"""What a reviewer sees of a claim of which one quote stands and another does not: how many, why, and what differs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from tests.e2e.browser import see, speak
from tests.evidence.test_assembly import assemble, spans_of
from tests.evidence.test_verdict_reasons import CUT_NUMBER, NEGATED, NUMBER, QUOTES, RATE, UNLIKE, citing
from tests.factories import make_world

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Any]
SHOW = "document.querySelector(arguments[0]).scrollIntoView({block: 'center'})"
COLOURLESS = "return getComputedStyle(document.querySelector(arguments[0])).textDecorationLine"


def test_a_split_claim_shows_what_differs_in_words_and_lines(
    live_server: LiveServer, sign_in: SignIn, shoot: Callable[[str], None]
) -> None:
    world = make_world()
    claims = [citing(RATE, NUMBER), citing(NEGATED), citing(CUT_NUMBER, UNLIKE), citing(*QUOTES)]
    trace = assemble(world, spans_of(world, **{"tracebinder.claims": json.dumps(claims)}))
    browser = sign_in(world.people["reviewer"])
    for language, standing, own in (
        ("en", "1 of 2 citations found in their sources", "quote: 8.9"),
        ("zh-hans", "2 处引用中有 1 处已在来源中找到", "引文： 8.9"),
    ):
        speak(browser, language)
        browser.get(f"{live_server.url}/admin/evidence/trace/{trace.pk}/review/")
        assert own in see(browser, standing).replace("\n", " ")
        browser.execute_script(SHOW, ".tb-diff")
        shoot(f"reasons-review-{language}")
        browser.get(f"{live_server.url}/admin/evidence/trace/{trace.pk}/change/")
        see(browser, standing)
        shoot(f"reasons-trace-{language}")
    browser.get(f"{live_server.url}/admin/evidence/trace/{trace.pk}/review/")
    assert browser.find_element("css selector", "#claim-1.tb-card--warn")
    assert "line-through" in browser.execute_script(COLOURLESS, ".tb-diff del")
    assert "underline" in browser.execute_script(COLOURLESS, ".tb-diff ins")
    citation = trace.claims.get(ordinal=0).citations.get(ordinal=1)
    browser.get(f"{live_server.url}/admin/evidence/citation/{citation.pk}/change/")
    see(browser, "8.9")
    shoot("reasons-citation")
