"""Why a gate did not pass, in a real browser: in the reader's language first, and spoken in the right one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from requirements.models import Assessment
from tests.e2e.accessibility import find_barriers
from tests.e2e.browser import beyond, speak
from tests.e2e.test_finding_page import keep, resize
from tests.evidence.test_decision_page import make_decision
from tests.factories import World

__all__ = ["resize"]

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Any]
# The words that a screen reader would speak as Chinese though they are an English sentence.
MISSPOKEN = """
return [...document.querySelectorAll("main dd, main td, main .readonly")].flatMap((cell) =>
  [...cell.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent.trim()))
  .filter((text) => /^[a-z]+( [a-z]+){3}/i.test(text));
"""


def test_reasons_are_read_in_either_language(
    sign_in: SignIn, live_server: Any, world: World, resize: Callable[[int], None]
) -> None:
    decision = make_decision(world)
    assessment = Assessment.objects.latest("pk")
    pages = {
        "decision": (reverse("admin:evidence_gatedecision_change", args=[decision.pk]), "观测太少，无法判断"),
        "assessment": (
            reverse("admin:requirements_assessment_change", args=[assessment.pk]),
            "观测太少，无法判断",
        ),
        "dossier": (reverse("admin:dossier", args=[world.release.pk]), "观测太少，无法判断"),
    }
    browser = sign_in(world.people["auditor"])
    for language in ("en", "zh-hans"):
        speak(browser, language)
        for name, (address, said) in pages.items():
            for width in (1280, 390):
                resize(width)
                browser.get(f"{live_server.url}{address}")
                text = browser.find_element("tag name", "main").text
                assert (said in text) is (language != "en"), name
                assert "too little to tell" in text, name
                assert beyond(browser) <= 0, f"{name} scrolls sideways at {width}"
                if language != "en":
                    assert browser.execute_script(MISSPOKEN) == [], name
                keep(browser, f"{name}-{language}-{width}", width)
            resize(1280)
            assert find_barriers(browser) == [], f"{name}, {language}"
