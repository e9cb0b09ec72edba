"""The review desk in a browser: an answer judged by keys alone, taken back, recorded, disputed and settled."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

from evidence import clock
from evidence.access import principal_of_user
from evidence.models import Adjudication, Membership, Review
from evidence.services.review_drafts import decide, record_decided
from evidence.services.review_queue import hold_answer
from tests.e2e.accessibility import find_barriers
from tests.e2e.browser import WAIT, click, see, speak
from tests.e2e.cases import make_task
from tests.evidence.test_blinding import colleague
from tests.factories import make_world

pytestmark = pytest.mark.django_db(transaction=True)

LIT = "return document.getElementById('tb-lit')?.innerText"
IN_SIGHT = """
const lit = document.getElementById('tb-lit').getBoundingClientRect();
const pane = document.getElementById('tb-desk-source').getBoundingClientRect();
return lit.top >= pane.top && lit.bottom <= pane.bottom;
"""


HEADING = "#tb-desk-source h2"
TOLD_IN_SIGHT = """
const told = document.querySelector('[data-said]').getBoundingClientRect();
return told.height > 0 && told.top >= 0 && told.bottom <= innerHeight;
"""


def press(browser: Any, *keys: str) -> None:
    """Press keys one after another, wherever the focus is."""
    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def record(browser: Any) -> None:
    """Record by the keys, and wait until the page that was judged on is gone.

    What the next says of it is no sign of that: a page on which the one before is still held says the same.
    """
    page = browser.find_element("tag name", "html")
    ActionChains(browser).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    waiting = WebDriverWait(browser, WAIT, ignored_exceptions=[WebDriverException])
    waiting.until(staleness_of(page), "nothing was recorded: the page stayed")


def minute_later() -> Any:
    return clock.now() + timedelta(minutes=1)


def test_an_answer_is_judged_by_keys_alone_taken_back_and_recorded(
    live_server: LiveServer, sign_in: Callable[[User], Any], shoot: Callable[[str], None]
) -> None:
    world = make_world()
    first, second = make_task(world), make_task(world, language="zh")
    browser = sign_in(world.people["reviewer"])
    speak(browser, "en")
    browser.get(f"{live_server.url}/admin/review-desk/")
    see(browser, "2 answers wait for you")
    assert find_barriers(browser) == []
    press(browser, Keys.ENTER)  # the button that takes the first has the focus
    see(browser, "1 left")
    # The claim whose quote is not there comes first; the first claim's quote is lit in its document.
    assert "Claim 3" in see(browser, "Claim 3", within="#tb-desk-source")
    press(browser, "p", "p")
    see(browser, "Claim 1", within="#tb-desk-source")
    assert "annual percentage rate is 7.9%" in browser.execute_script(LIT)
    assert browser.execute_script(IN_SIGHT)
    press(browser, "1", "n", "n")
    see(browser, "Claim 3", within="#tb-desk-source")
    press(browser, "2", "v")
    see(browser, "Record override, next", within="#tb-desk-judgement")
    shoot("review-desk")
    assert find_barriers(browser) == []
    reason = browser.find_element("css selector", "[name='reason_code'][value='wrong_fact']")
    reason.send_keys(Keys.SPACE)
    see(browser, "Record override: wrong fact, next", within="#tb-desk-judgement")
    answer = browser.find_element("name", "corrected_answer")
    assert answer.get_attribute("value") == first.trace.answer
    answer.send_keys(" There is a fee of 1 %.")
    record(browser)
    see(browser, "on record at", within="#content-main")
    see(browser, second.trace.question)
    assert record_decided() == 0
    press(browser, "u")
    see(browser, "Taken back")
    assert "There is a fee" in browser.find_element("name", "corrected_answer").get_attribute("value")
    assert record_decided(minute_later()) == 0
    record(browser)
    see(browser, "on record at", within="#content-main")
    assert record_decided(minute_later()) == 1
    review = Review.objects.get()
    assert (review.decision, review.reason_code) == ("override", "wrong_fact")
    assert review.corrected_answer.endswith("There is a fee of 1 %.")
    said = dict(review.claim_judgements.values_list("claim__ordinal", "judgement"))
    assert said == {0: "stands", 2: "does_not_stand"}
    browser.get(f"{live_server.url}/admin/evidence/reviewtask/")
    assert find_barriers(browser) == []


BUTTONS = """
return [...document.querySelectorAll('[aria-keyshortcuts]')].filter((one) => one.checkVisibility())
  .map((one) => one.getAttribute('aria-keyshortcuts'));
"""
HEADING_OF = {"p": "Claim 2", "n": "Claim 3"}
KEYS_TOLD = """
return [...document.querySelectorAll('#tb-keys dt')]
  .map((one) => [...one.querySelectorAll('kbd')].map((key) => key.innerText))
  .filter((keys) => keys.length);
"""


def test_each_key_that_the_help_tells_is_a_button_that_can_be_pressed_by_hand_and_is_announced(
    live_server: LiveServer, sign_in: Callable[[User], Any], shoot: Callable[[str], None]
) -> None:
    world = make_world()
    first, second = make_task(world), make_task(world)
    person = world.people["reviewer"]
    decide(principal=principal_of_user(person), trace=first.trace, said={"decision": "approve", "claims": {}})
    browser = sign_in(person)
    speak(browser, "en")
    browser.get(f"{live_server.url}{reverse('admin:judge_answer', args=[second.trace_id])}")
    press(browser, "?")
    see(browser, "put this one back", within="#tb-keys")
    told = [
        key
        for keys in browser.execute_script(KEYS_TOLD)
        for key in (["Control+Enter"] if "Ctrl" in keys else keys)
    ]
    assert len(told) == len(set(told)) == 18
    buttons = browser.execute_script(BUTTONS)
    assert {key: buttons.count(key) for key in told} == dict.fromkeys(told, 1)
    assert set(buttons) == set(told), "the help tells each"
    assert find_barriers(browser) == []
    shoot("review-desk-keys")
    announced = {
        "p": "Claim 2",
        "n": "Claim 3",
        "o": "What stands behind the answer",
        "]": "Retrieved",
        "[": "This claim",
    }
    for key, words in announced.items():
        click(browser, "css selector", f'[data-key="{key}"]')
        see(browser, words, within="[data-said]")
        if key in HEADING_OF:
            see(browser, HEADING_OF[key], within="#tb-desk-source")  # it is there again
    for key, words in {"n": "Claim 4", "1": "stands", "x": "reject"}.items():
        press(browser, key)
        see(browser, words, within="[data-said]")
    at_the_end = """return document.querySelector('[data-key="n"]').getAttribute("aria-disabled")"""
    assert browser.execute_script(at_the_end) == "true", "there is no claim after the last"
    press(browser, "p")
    see(browser, "Claim 3", within="[data-said]")
    assert browser.execute_script(at_the_end) is None
    click(browser, "css selector", '[data-key="j"]')
    see(browser, "Nothing waits for you")


def test_whoever_writes_is_told_in_sight_why_it_is_not_saved(
    live_server: LiveServer, sign_in: Callable[[User], Any], shoot: Callable[[str], None]
) -> None:
    """The answer is decided on in one window, and written about in another; then the right to judge ends."""
    world = make_world()
    task, person = make_task(world), world.people["reviewer"]
    browser = sign_in(person)
    speak(browser, "en")
    browser.get(f"{live_server.url}{reverse('admin:judge_answer', args=[task.trace_id])}")
    press(browser, "v")
    see(browser, "Saved as a draft.", within="[data-said]")
    said = {"decision": "approve", "claims": {}}
    decide(principal=principal_of_user(person), trace=task.trace, said=said)
    browser.find_element("name", "rationale").send_keys("Hm.")
    told = see(browser, "Not saved: You have decided on this answer", within="[data-said]")
    assert "signed out" not in told
    assert browser.execute_script(TOLD_IN_SIGHT)
    shoot("review-desk-not-saved")
    assert find_barriers(browser) == []
    Membership.objects.filter(user=person).delete()
    browser.find_element("name", "rationale").send_keys(" Hm.")
    see(
        browser,
        "you may not judge this answer any more. What was saved before is kept.",
        within="[data-said]",
    )
    assert browser.find_element("name", "rationale").get_attribute("value") == "Hm. Hm."


def test_the_claims_of_an_answer_that_a_colleague_is_at_are_walked_by_keys(
    live_server: LiveServer, sign_in: Callable[[User], Any], shoot: Callable[[str], None]
) -> None:
    world = make_world()
    task = make_task(world)
    hold_answer(principal=principal_of_user(colleague(world, "one", "reviewer")), trace=task.trace)
    browser = sign_in(world.people["reviewer"])
    speak(browser, "en")
    browser.get(f"{live_server.url}{reverse('admin:judge_answer', args=[task.trace_id])}")
    see(browser, "Held by one", within="#tb-desk-judgement")
    shoot("review-desk-held")
    press(browser, "a")
    see(browser, "it cannot be judged now", within="[data-said]")
    see(browser, "Claim 3", within=HEADING)
    press(browser, "p")
    see(browser, "Claim 2", within=HEADING)
    assert "Claim 2" in see(browser, "Claim 2", within="[data-said]"), "it is announced"
    browser.find_element("css selector", '.tb-answer a[href="#claim-1"]').click()
    see(browser, "Claim 1", within=HEADING)
    assert find_barriers(browser) == []


def test_the_walk_through_one_answer(
    live_server: LiveServer, sign_in: Callable[[User], Any], record_property: Callable[[str, object], None]
) -> None:
    """Three claims judged, the answer rejected for a reason: what that takes is told at the end of the run."""
    world = make_world()
    make_task(world)
    browser = sign_in(world.people["reviewer"])
    speak(browser, "en")
    browser.get(f"{live_server.url}/admin/review-desk/")
    see(browser, "1 answer waits for you")
    began = time.monotonic()
    keys = (Keys.ENTER, "2", "p", "1", "p", "1", "x", Keys.TAB, Keys.SPACE)
    for key in keys:
        if key in {"2", "1"}:
            see(browser, "Claim", within="#tb-desk-source h2")
        press(browser, key)
    record(browser)
    see(browser, "on record at")
    took = time.monotonic() - began
    record_property(
        "walk", f"one answer at the desk: {len(keys) + 1} keys, 0 clicks, {took:.1f} s of the machine"
    )
    assert record_decided(minute_later()) == 1
    review = Review.objects.get()
    assert (review.decision, review.reason_code) == ("reject", "wrong_fact")
    assert review.claim_judgements.count() == 3


def test_a_second_reviewer_disagrees_and_a_third_settles(
    live_server: LiveServer, sign_in: Callable[[User], Any], shoot: Callable[[str], None]
) -> None:
    world = make_world()
    make_task(world)
    for name, keys in (("one", "a"), ("two", "x")):
        browser = sign_in(colleague(world, name, "reviewer"))
        speak(browser, "en")
        browser.get(f"{live_server.url}/admin/review-desk/")
        press(browser, Keys.ENTER)
        see(browser, "0 left")
        press(browser, keys)
        if keys == "x":
            browser.find_element("css selector", "[value='unclear']").send_keys(Keys.SPACE)
        record(browser)
        see(browser, "on record at", within="#content-main")
        assert record_decided(minute_later()) == 1
    browser.get(f"{live_server.url}/admin/review-desk/")
    assert "to settle" not in see(browser, "0 answers wait for you"), "who is part of it is told of nothing"
    third = sign_in(colleague(world, "three", "reviewer"))
    speak(third, "en")
    third.get(f"{live_server.url}/admin/review-desk/")
    see(third, "1 disagreement for you to settle")
    third.find_element("css selector", "[value='settle']").send_keys(Keys.ENTER)
    told = see(third, "What they decided", within="#tb-desk-judgement")
    assert told.index("approve") < told.index("unclear") < told.index("What stands")
    press(third, "n", "v")
    answer = third.find_element("name", "corrected_answer")
    answer.clear()
    answer.send_keys("There is a fee of 1 %.")
    third.find_element("name", "rationale").send_keys("The fee is 1 %.")
    see(third, "was:", within="[data-difference]")
    shoot("review-desk-settle")
    assert find_barriers(third) == []
    record(third)
    see(third, "on record at")
    press(third, "u")
    see(third, "Taken back")
    assert not record_decided(minute_later())
    record(third)
    see(third, "on record at")
    assert record_decided(minute_later()) == 1
    assert Adjudication.objects.get().corrected_answer == "There is a fee of 1 %."
