"""The main pages as the guides show them, in both languages: `make pictures` keeps them in `docs/pictures`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from evidence.models import ReviewTask
from interpret.models import Finding
from requirements.models import RequirementVersion
from tests.e2e.accessibility import find_barriers
from tests.e2e.browser import speak
from tests.e2e.shown_world import shown_world
from tests.e2e.test_finding_page import world
from tests.e2e.test_pages import SignIn
from tests.factories import World

__all__ = ["world"]  # the fixture
pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]


def pictures_of(shown: World) -> Iterator[tuple[str, User, str]]:
    """Yield what a picture is called, who sees it, and its address."""
    people, task = shown.people, ReviewTask.objects.latest("pk")
    desk = reverse("admin:judge_answer", args=[task.trace_id])
    yield "home-approver", people["approver"], reverse("admin:index")
    yield "queue", people["reviewer"], reverse("admin:evidence_reviewtask_changelist")
    yield "desk", people["reviewer"], f"{desk}?claim=1"
    yield "coverage", people["author"], reverse("admin:coverage", args=[shown.release.pk])
    yield "dossier", people["auditor"], reverse("admin:dossier", args=[shown.release.pk])
    yield "chain", people["auditor"], reverse("admin:chain", args=["release", shown.release.pk])
    yield "health", people["operator"], reverse("admin:health")
    waiting = RequirementVersion.objects.latest("pk")
    version = reverse("admin:requirements_requirementversion_change", args=[waiting.pk])
    yield "version", people["approver"], version
    yield "by-release", people["author"], reverse("admin:by_release")
    yield "draft", people["author"], reverse("admin:edit_draft", args=[waiting.requirement_id])


def test_the_main_pages_in_both_languages(sign_in: SignIn, live_server: Any, shoot: Any) -> None:
    for name, person, address in pictures_of(shown_world()):
        take(name, sign_in(person), f"{live_server.url}{address}", shoot)


def test_a_finding_in_both_languages(
    sign_in: SignIn, live_server: Any, shoot: Any, world: World  # a fixture
) -> None:  # fmt: skip
    """Its figures are a stand-in's, as the guide says below it: a test measures no model of any size."""
    finding = Finding.objects.get(run__spec__probe="induction.heads")
    address = reverse("admin:finding", args=[finding.pk])
    take("finding", sign_in(world.people["researcher"]), f"{live_server.url}{address}", shoot)


def take(name: str, browser: Any, address: str, shoot: Any) -> None:
    for language in ("en", "zh-hans"):
        speak(browser, language)
        browser.get(address)
        assert browser.find_element("css selector", "html").get_attribute("lang") == language
        assert find_barriers(browser) == [], f"{name}, {language}"
        shoot(f"{name}-{language}")
