"""The main pages as the guides show them, in both languages: `make pictures` keeps them in `docs/pictures`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from evidence.models import ReviewTask
from tests.e2e.accessibility import find_barriers
from tests.e2e.browser import speak
from tests.e2e.shown_world import shown_world
from tests.e2e.test_pages import SignIn
from tests.factories import World

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]


def pictures_of(world: World) -> Iterator[tuple[str, User, str]]:
    """Yield what a picture is called, who sees it, and its address."""
    people, task = world.people, ReviewTask.objects.latest("pk")
    desk = reverse("admin:judge_answer", args=[task.trace_id])
    yield "home-approver", people["approver"], reverse("admin:index")
    yield "queue", people["reviewer"], reverse("admin:evidence_reviewtask_changelist")
    yield "desk", people["reviewer"], f"{desk}?claim=1"
    yield "coverage", people["author"], reverse("admin:coverage", args=[world.release.pk])
    yield "dossier", people["auditor"], reverse("admin:dossier", args=[world.release.pk])
    yield "chain", people["auditor"], reverse("admin:chain", args=["release", world.release.pk])
    yield "health", people["operator"], reverse("admin:health")


def test_the_main_pages_in_both_languages(sign_in: SignIn, live_server: Any, shoot: Any) -> None:
    world = shown_world()
    for name, person, address in pictures_of(world):
        browser = sign_in(person)
        for language in ("en", "zh-hans"):
            speak(browser, language)
            browser.get(f"{live_server.url}{address}")
            assert browser.find_element("css selector", "html").get_attribute("lang") == language
            assert find_barriers(browser) == [], f"{name}, {language}"
            shoot(f"{name}-{language}")
