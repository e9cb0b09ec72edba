"""Every list in a real browser: it fits into the window, or scrolls in its own box and not the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.urls import reverse

from tests.e2e.accessibility import find_barriers
from tests.e2e.browser import beyond
from tests.e2e.pages import full_world, pages_of
from tests.requirements.builders import make_criterion

pytestmark = pytest.mark.django_db(transaction=True)

# A desk, the same at 200 %, and a telephone or the desk at 400 %: CSS pixels.
WIDTHS = (1280, 640, 390)
_MANY = 7  # columns; all lists were looked at once, and those with fewer fit
_BOX = "const box = document.querySelector('.results'); return box ? box.scrollWidth - box.clientWidth : 0"


@pytest.fixture
def widen(chromium: Any) -> Iterator[Callable[[int], None]]:
    """Return a function that gives the window a width, until the test is over."""

    def act(width: int) -> None:
        size = {"width": width, "height": 1024, "deviceScaleFactor": 1, "mobile": False}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    yield act
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def widest_lists(person: User) -> list[str]:
    """Return the addresses of the lists with most columns that somebody may open, with other pages of wide tables."""
    request = RequestFactory().get("/")
    request.user = person
    wide = {
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model, of_list in admin.site._registry.items()
        if len(of_list.list_display) >= _MANY
    }
    return [
        page
        for page in pages_of(person)
        if page in wide or page.startswith(("/admin/links/", "/admin/search/"))
    ]


def test_lists_fit_and_no_page_scrolls_sideways(
    sign_in: Callable[[User], Any], live_server: Any, widen: Callable[[int], None]
) -> None:
    world = full_world()
    browser = sign_in(world.people["auditor"])
    lists = widest_lists(world.people["auditor"])
    assert len(lists) > 10
    faults = []
    for address in lists:
        browser.get(f"{live_server.url}{address}")
        for width in WIDTHS:
            widen(width)
            faults += [f"{address} scrolls at {width}"] * (beyond(browser) > 0)
            if width == max(WIDTHS):
                over = browser.execute_script(_BOX)
                faults += [f"{address} does not fit by {over} pixels"] * (over > 0)
    assert not faults, "\n".join(faults)
    browser.get(f"{live_server.url}/admin/evidence/evalscore/")
    box = browser.find_element("css selector", ".results")
    assert browser.execute_script("return arguments[0].scrollWidth > arguments[0].clientWidth", box)
    assert (box.get_attribute("tabindex"), box.get_attribute("role")) == ("0", "region")
    assert find_barriers(browser) == []
    number = browser.find_element("css selector", "#result_list td:nth-child(6)")
    assert number.value_of_css_property("text-align") == "end"


_BROKEN = """
const lines = cell => {
  const text = document.createRange(); text.selectNodeContents(cell);
  return new Set([...text.getClientRects()].map(line => Math.round(line.top))).size;
};
const numbers = [...document.querySelectorAll('.tb-pane td')].filter(cell => /^\\d+$/.test(cell.innerText.trim()));
const heads = [...document.querySelectorAll('.tb-pane tbody th')];
const broken = numbers.filter(cell => lines(cell) > 1);
return [numbers.length, broken.length, Math.min(...heads.map(head => head.offsetWidth))];
"""


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_in_a_pane_on_a_telephone_numbers_stay_whole_and_rows_keep_their_words(
    sign_in: Callable[[User], Any], live_server: Any, widen: Callable[[int], None], language: str
) -> None:
    """A number of two digits stood on two lines, and what a row is about was broken after each second letter."""
    world = full_world()
    for number in range(11):
        make_criterion(world, key=f"passes-hardship-to-a-person-{number}")
    browser = sign_in(world.people["auditor"])
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": language}})
    try:
        browser.get(f"{live_server.url}{reverse('admin:coverage', args=[world.release.pk])}")
        widen(390)
        n_numbers, n_broken, narrowest = browser.execute_script(_BROKEN)
    finally:
        browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {}})
    assert n_numbers > 10
    assert n_broken == 0
    assert narrowest >= 100
