"""Requirements by release in a browser: at a desk and on a telephone, in both languages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from tests.e2e.accessibility import find_barriers
from tests.e2e.browser import speak
from tests.factories import World, find_unmet
from tests.requirements.test_by_release import filled, releases  # noqa: F401  # fixtures

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_read_at_a_desk_and_on_a_telephone_in_both_languages(
    sign_in: Callable[[User], Any],
    live_server: Any,
    shoot: Any,
    world: World,
    releases: Sequence[Any],  # noqa: F811  # fixtures
    filled: Sequence[Any],  # noqa: F811
) -> None:
    find_unmet(world.release, "r0/c")
    browser = sign_in(world.people["author"])
    for language in ("en", "zh-hans"):
        speak(browser, language)
        browser.get(f"{live_server.url}{reverse('admin:by_release')}")
        assert find_barriers(browser) == []
        shoot(f"by-release-{language}")
        size = {"width": 390, "height": 1600, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(f"{live_server.url}{reverse('admin:by_release')}")
        shoot(f"by-release-{language}-390")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        shown = "return document.querySelector('.tb-matrix tbody + tbody td').getBoundingClientRect().right"
        assert browser.execute_script(shown) <= 390, "the first verdict is out of sight"
        browser.execute_script("document.querySelector('.tb-matrix').parentElement.scrollLeft = 9999")
        left = "return document.querySelector('.tb-matrix tbody + tbody th').getBoundingClientRect().left"
        assert 0 <= browser.execute_script(left) < 60, "what a row is about is out of sight"
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
