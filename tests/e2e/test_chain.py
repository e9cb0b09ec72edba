"""The chain in a browser: what one came for is what one sees first, at a desk and on a telephone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from tests.e2e.accessibility import find_barriers
from tests.e2e.browser import speak
from tests.factories import World
from tests.requirements.test_chain import judged_by_several

pytestmark = pytest.mark.django_db(transaction=True)

_DRAWING = "figure.tb-figure--kept"
_BOX = "return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()"


def test_on_a_telephone_the_record_stands_first_and_what_hangs_on_it_below(
    sign_in: Callable[[User], Any], live_server: Any, shoot: Any, world: World
) -> None:
    """The drawing would begin at its left edge, far from the record: there the lists that say the same stand alone."""
    decision, _ = judged_by_several(world)
    browser = sign_in(world.people["auditor"])
    address = f"{live_server.url}{reverse('admin:chain', args=['decision', decision.pk])}"
    for language, many in (("en", "6 assessments"), ("zh-hans", "6 项评估")):
        speak(browser, language)
        browser.get(address)
        trail = browser.find_element("css selector", ".breadcrumbs").text
        assert ("Gate decisions" if language == "en" else "› 门禁决定") in trail, (
            "the list is called what it is called"
        )
        assert browser.find_element("css selector", _DRAWING).is_displayed()
        shoot(f"chain-{language}")
        size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(address)
        assert not browser.find_element("css selector", _DRAWING).is_displayed()
        record, up = (browser.execute_script(_BOX, each) for each in (".tb-facts li a", "#tb-up"))
        for box in (record, up):
            assert 0 <= box["left"] < box["right"] <= 390
            assert box["bottom"] <= 844, "seen without scrolling"
        assert record["bottom"] <= up["top"]
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        assert find_barriers(browser) == []
        shoot(f"chain-{language}-390")
        fan = browser.find_element("partial link text", many)
        fan.click()
        assert len(browser.find_elements("css selector", "#result_list tbody tr")) == 6
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_at_a_desk_a_wide_drawing_begins_with_the_record(
    sign_in: Callable[[User], Any], live_server: Any, shoot: Any, world: World
) -> None:
    decision, _ = judged_by_several(world)
    browser = sign_in(world.people["auditor"])
    size = {"width": 900, "height": 844, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(f"{live_server.url}{reverse('admin:chain', args=['decision', decision.pk])}")
    drawing, record = (
        browser.execute_script(_BOX, each) for each in (_DRAWING, f"{_DRAWING} [aria-current]")
    )
    shoot("chain-desk")
    beyond = browser.execute_script(
        "const seen = document.querySelector(arguments[0]); return seen.scrollWidth - seen.clientWidth",
        _DRAWING,
    )
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert beyond > 0, "it is wider than its place"
    middles = [(box["left"] + box["right"]) / 2 for box in (record, drawing)]
    assert middles[0] == pytest.approx(middles[1], abs=5)  # pixels
    assert drawing["left"] <= record["left"] < record["right"] <= drawing["right"]
