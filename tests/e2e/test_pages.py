"""Every page in a real browser: nothing it needs is refused by the policy, and it can be read in both languages."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse

from evidence.models import ReviewTask
from evidence.roles import ROLES
from requirements.models import Assessment, RequirementVersion
from tests.e2e.accessibility import find_barriers
from tests.e2e.browser import beyond, click, complaints, see, speak, wear
from tests.e2e.cases import make_task
from tests.e2e.pages import full_world, left_out, pages_of, shared_out
from tests.factories import make_world
from tests.page_rules import find_loose_tables

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Any]

# Nothing but a picture differs by scheme.
SCHEMES = ("light", "dark") if os.environ.get("TRACEBINDER_SHOTS") else ("light",)

MOST_QUERIES = 25  # of a page, with those that begin and end a transaction
MANY_QUERIES = {
    "dossier": 32,  # one list for each noun that stands behind a release
    "health": 30,  # looks at each part of the installation
}


def test_what_the_policy_refuses_would_be_seen(sign_in: SignIn, listening: Any) -> None:
    browser = sign_in(make_world().people["reviewer"])
    assert complaints(browser) == []
    browser.execute_script("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">red</p>')")
    assert any("style-src" in said for said in complaints(browser))
    browser.execute_script(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"alert(1)\">')"
    )
    assert any("script-src" in said for said in complaints(browser))


def made_with(answer: Any) -> frozenset[str]:
    """Return the templates and scripts of a page: pages of the same ones differ by their rows and fields alone."""
    templates = {template.name for template in answer.templates if template.name}
    scripts = re.findall(r"<script[^>]* src=\"([^\"?]+)", answer.content.decode())
    return frozenset(
        [*(name for name in templates if not name.startswith("django/forms/widgets/")), *scripts]
    )


def of_each_part(people: dict[str, User], shares: dict[str, list[str]]) -> dict[str, list[str]]:
    """Read every page, and return by role so many of them that each template and each script stands in one."""
    kinds: dict[frozenset[str], tuple[str, str]] = {}
    for role, pages in shares.items():
        client = Client()
        client.force_login(people[role])
        for page in pages:
            with CaptureQueriesContext(connection) as asked:
                answer = client.get(page)  # which `tests.page_rules` holds to the policy
            assert answer.status_code == 200, f"{page} as {role}"
            html = answer.content.decode()
            assert "tb-rail" in html, f"{page} stands outside the frame"
            assert find_loose_tables(html) == [], f"{page} as {role} would scroll sideways"
            most = MANY_QUERIES.get(resolve(page.partition("?")[0]).url_name or "", MOST_QUERIES)
            assert len(asked) <= most, f"{page} as {role} asks {len(asked)} queries"
            kinds.setdefault(made_with(answer), (role, page))
    opened = list[tuple[str, str]]()
    missing = frozenset[str]().union(*kinds)
    while missing:  # the page next that has the most of what none had yet
        parts = max(kinds, key=lambda parts: len(parts & missing))
        opened.append(kinds[parts])
        missing -= parts
    return {role: [page for of, page in opened if of == role] for role in people}


def test_no_page_needs_what_the_policy_refuses_or_keeps_anybody_out(
    sign_in: SignIn, listening: Any, live_server: Any
) -> None:
    """Each page is read once, and each template and script seen in one; `make soak` opens all of them as every role."""
    world = full_world()
    shares = shared_out(world.people)
    assert left_out(shares) == set()
    assert min(len(pages) for pages in shares.values()) > 5
    opened = of_each_part(world.people, shares)
    assert sum(len(pages) for pages in opened.values()) > 20
    for role, pages in opened.items():
        browser = sign_in(world.people[role])
        assert complaints(browser) == [], f"home of {role}"
        for page in pages:
            browser.get(f"{live_server.url}{page}")
            assert complaints(browser) == [], f"{page} as {role}"
            assert find_barriers(browser) == [], f"{page} as {role}"
            assert browser.find_elements("css selector", "nav.tb-rail"), f"{page} stands outside the frame"


@pytest.mark.soak
@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_no_page_needs_what_the_policy_refuses_or_keeps_anybody_out_as_any_role(
    sign_in: SignIn, listening: Any, live_server: Any, language: str, role: str
) -> None:
    """In either scheme, at a desk and at 390 pixels, where no page scrolls sideways."""
    person = full_world().people[role]
    browser = sign_in(person)
    speak(browser, language)
    faults = []
    for page in pages_of(person):
        for scheme in ("light", "dark"):
            wear(browser, scheme)
            browser.get(f"{live_server.url}{page}")
            found = [*complaints(browser), *find_barriers(browser), *_sideways(browser)]
            faults += [f"{page}, {scheme}: {fault}" for fault in found]
    wear(browser, "light")
    assert not faults, "\n".join(faults)


def _sideways(browser: Any) -> list[str]:
    """Return at which widths the page scrolls sideways: a desk at 200 %, and a telephone, in CSS pixels."""
    found = []
    for width in (640, 390):
        size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        if beyond(browser) > 0:
            found.append(f"scrolls sideways at {width} pixels")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    return found


def test_the_frame_in_both_languages(sign_in: SignIn, live_server: Any, shoot: Any) -> None:
    world = full_world()
    task = ReviewTask.objects.latest("pk")
    looks = {
        "home": reverse("admin:index"),
        "records": reverse("admin:records"),
        "queue": reverse("admin:evidence_reviewtask_changelist"),
        "review": reverse("admin:evidence_reviewtask_change", args=[task.pk]),
        "assessment": reverse(
            "admin:requirements_assessment_change", args=[Assessment.objects.latest("pk").pk]
        ),
        "requirement": reverse(
            "admin:requirements_requirementversion_change", args=[RequirementVersion.objects.latest("pk").pk]
        ),
    }
    browser = sign_in(world.people["reviewer"])
    for language, last in (("en", "All records"), ("zh-hans", "全部记录")):
        speak(browser, language)
        for scheme in SCHEMES:
            wear(browser, scheme)
            for name, address in looks.items():
                browser.get(f"{live_server.url}{address}")
                assert browser.find_element("css selector", "html").get_attribute("lang") == language
                assert browser.find_element("css selector", ".tb-rail-last").text == last
                shoot(f"{name}-{language}-{scheme}")
    wear(browser, "light")


def test_panes_scroll_alone_and_lead_to_the_claim(sign_in: SignIn, live_server: Any) -> None:
    world = make_world()
    task = make_task(world)
    browser = sign_in(world.people["reviewer"])
    browser.get(f"{live_server.url}{reverse('admin:evidence_reviewtask_change', args=[task.pk])}")
    panes = browser.find_elements("css selector", ".tb-pane")
    assert len(panes) == 3
    claims = panes[1]
    assert measure(browser, "document.documentElement", "scrollHeight - self.clientHeight") <= 0
    assert browser.execute_script("return arguments[0].scrollHeight > arguments[0].clientHeight", claims)
    click(browser, "css selector", "a[href='#claim-3']")
    assert browser.execute_script("return arguments[0].scrollTop", claims) > 0
    assert browser.execute_script("return arguments[0].scrollTop", panes[0]) == 0


@pytest.fixture
def narrow(chromium: Any) -> Iterator[None]:
    """A window of 390 pixels, as of a telephone, or of a desk at 400 %."""
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    yield
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_narrow_page_has_one_column_and_never_scrolls_sideways(
    sign_in: SignIn, live_server: Any, narrow: None
) -> None:
    world = full_world()
    browser = sign_in(world.people["reviewer"])
    review = reverse("admin:evidence_reviewtask_change", args=[ReviewTask.objects.latest("pk").pk])
    for address in (reverse("admin:index"), reverse("admin:records"), review):
        browser.get(f"{live_server.url}{address}")
        assert beyond(browser) <= 0, address
    left = {pane.location["x"] for pane in browser.find_elements("css selector", ".tb-pane")}
    assert len(left) == 1


def test_paper_has_no_dark_and_nothing_to_press(sign_in: SignIn, live_server: Any) -> None:
    world = make_world()
    task = make_task(world)
    browser = sign_in(world.people["reviewer"])
    browser.get(f"{live_server.url}{reverse('admin:evidence_reviewtask_change', args=[task.pk])}")
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]},
    )
    shown = [
        browser.find_element("css selector", each).is_displayed()
        for each in ("header", ".tb-rail", ".tb-form")
    ]
    ground = measure(
        browser, "document.body", "ownerDocument.defaultView.getComputedStyle(self).backgroundColor"
    )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    assert shown == [False, False, False]
    assert ground == "rgb(255, 255, 255)"


def test_the_admins_own_scripts_still_work(sign_in: SignIn, listening: Any, live_server: Any) -> None:
    world = make_world()
    browser = sign_in(world.people["operator"])
    browser.get(f"{live_server.url}{reverse('admin:evidence_membership_add')}")
    click(browser, "css selector", ".select2-selection")
    browser.find_element("css selector", ".select2-search__field").send_keys("auditor")
    see(browser, "auditor-credit-assistant", within=".select2-results")
    click(browser, "css selector", "button.theme-toggle")
    assert browser.find_element("css selector", "html").get_attribute("data-theme") == "dark"
    assert measure(
        browser, "document.body", "ownerDocument.defaultView.getComputedStyle(self).backgroundColor"
    ) != ("rgb(255, 255, 255)")
    browser.execute_script("localStorage.removeItem('theme')")
    assert complaints(browser) == []


def measure(browser: Any, element: str, what: str) -> Any:
    """Return a property of an element; `self` is the element once more."""
    return browser.execute_script(f"const self = {element}; return self.{what};")
