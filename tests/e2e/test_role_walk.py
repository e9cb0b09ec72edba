"""One requirement and one release, walked by author and approver in a browser: from a file to a waiver in force."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from evidence import clock
from evidence.models import Waiver, WaiverRequest
from evidence.services.gates import CriterionReference, decide_gate
from requirements.models import RequirementVersion
from requirements.selectors.requirements import state_of
from requirements.services.assessment import assess
from tests.e2e.accessibility import find_barriers
from tests.e2e.browser import beyond, click, see, speak
from tests.evidence.eval_files import eval_file, post, register_eval_versions
from tests.factories import World, acting, define_gate, make_world
from tests.requirements.builders import STATEMENT, make_criterion, requirement_file
from tests.requirements.test_eval_criteria import PARAMETERS

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Any]
NARROW = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False}
ASKED: dict[str, Any] = {"check": "evals.metric", "parameters": PARAMETERS}
DOUBTFUL = "Each answer must be explainable and cite its sources."


def look(browser: Any, shoot: Callable[[str], None], name: str, says: dict[str, str]) -> None:
    """See the page that is open in both languages, wide and narrow: nothing bars anybody, nothing runs sideways."""
    here = browser.current_url
    for language, text in says.items():
        speak(browser, language)
        browser.get(here)
        see(browser, text)
        assert find_barriers(browser) == []
        shoot(f"{name}-{language}")
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", NARROW)
        assert beyond(browser) <= 0, f"{name} scrolls sideways in {language}"
        shoot(f"{name}-{language}-390")
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def unmet_world() -> World:
    """A release of which an approved criterion is measured, and not met."""
    world = make_world()
    register_eval_versions(world)
    post(world, eval_file([1.0] * 10 + [0.0] * 20))
    criterion = make_criterion(world, **ASKED)
    assess(criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci")
    return world


def test_an_author_drafts_is_refused_approving_and_another_reads_and_approves(
    live_server: LiveServer, sign_in: SignIn, shoot: Callable[[str], None]
) -> None:
    world = unmet_world()
    browser = sign_in(world.people["author"])
    speak(browser, "en")
    browser.get(f"{live_server.url}/admin/requirements/requirementversion/")
    click(browser, "link text", "Plan an import")
    see(browser, "Nothing is stored until you import the plan")
    look(browser, shoot, "import-empty", {"zh-hans": "预演导入", "en": "Choose a file"})
    source = requirement_file(**ASKED).decode().replace(STATEMENT, DOUBTFUL)
    # Typed by a script: a browser driver takes a second for each dozen lines.
    browser.execute_script(
        "document.querySelector('#tb-text').value = arguments[0];"
        "document.querySelector('#tb-name').value = 'r.yaml'", source,
    )  # fmt: skip
    click(browser, "css selector", "button[value=plan]")
    told = see(browser, "Import exactly this")
    assert "explainable" in told
    assert find_barriers(browser) == []
    shoot("import-plan-en")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", NARROW)
    assert beyond(browser) <= 0, "the plan scrolls sideways"
    shoot("import-plan-en-390")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    click(browser, "css selector", "button[value=apply]")
    see(browser, "1 new version, in draft")
    version = RequirementVersion.objects.latest("pk")
    page = f"{live_server.url}/admin/requirements/requirementversion/{version.pk}/change/"
    browser.get(page)
    see(browser, "What its criteria measure now")
    click(browser, "css selector", "button[value=in_review]")
    see(browser, "is now in review")
    # No button approves for who proposed it; who makes one is refused.
    assert not browser.find_elements("css selector", "button[value=approved]")
    browser.execute_script("document.querySelector('button[name=to_state]').value = 'approved'")
    click(browser, "css selector", "button[name=to_state]")
    see(browser, "Back to the page before", within="body")
    assert state_of(version) == "in_review"
    browser = sign_in(world.people["approver"])
    speak(browser, "en")
    browser.get(page)
    told = see(browser, "What its criteria measure now")
    assert "explainable" in told
    assert "not met" in told
    assert "n 30" in told
    look(
        browser,
        shoot,
        "version-measured",
        {"zh-hans": "其准则现在的测量结果", "en": "What its criteria measure now"},
    )
    click(browser, "css selector", "button[value=approved]")
    see(browser, "is not ticked")
    for box in browser.find_elements("css selector", "input[name=warnings_read]"):
        box.click()
    click(browser, "css selector", "button[value=approved]")
    see(browser, "is now approved")
    assert state_of(version) == "approved"


def test_an_author_asks_for_a_waiver_of_what_is_unmet_and_another_grants_it(
    live_server: LiveServer, sign_in: SignIn, shoot: Callable[[str], None]
) -> None:
    world = unmet_world()
    define_gate(system=world.system, key="ship", references=[CriterionReference(requirement="r")])
    decide_gate(principal=acting(), system=world.system, gate="ship", release=world.release)
    browser = sign_in(world.people["author"])
    speak(browser, "en")
    browser.get(f"{live_server.url}/admin/evidence/waiverrequest/add/")
    see(browser, "What a gate found unmet")
    look(browser, shoot, "waiver-form", {"zh-hans": "发布版本与准则", "en": "What a gate found unmet"})
    choice = browser.find_element("css selector", "[name=unmet] option:last-child")
    assert "0.3333 share" in choice.text
    choice.click()
    ends = f"{timezone.now() + timedelta(days=20):%Y-%m-%d}"
    browser.execute_script("document.querySelector('[name=expires_at]').value = arguments[0]", ends)
    browser.find_element("name", "reason").send_keys("The index is being rebuilt.")
    click(browser, "css selector", "main button[type=submit]")
    see(browser, "Asked: an approver")
    asked = WaiverRequest.objects.get()
    page = f"{live_server.url}/admin/evidence/waiverrequest/{asked.pk}/change/"
    assert not browser.find_elements("css selector", "button[value=granted]")
    browser = sign_in(world.people["approver"])
    speak(browser, "en")
    browser.get(page)
    told = see(browser, "What it would cover")
    assert "The index is being rebuilt." in told
    assert browser.find_elements("css selector", ".tb-figure svg desc")
    look(browser, shoot, "waiver-request", {"zh-hans": "豁免将覆盖的内容", "en": "What it would cover"})
    click(browser, "css selector", "button[value=granted]")
    see(browser, "until the waiver ends")
    assert Waiver.objects.get().request == asked
