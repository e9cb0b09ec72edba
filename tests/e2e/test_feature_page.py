"""A researcher goes from a dictionary to a feature and gives it a label, and is told what that is worth only then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from interpret.models import Dictionary, FeatureLabel
from tests.e2e.browser import see, speak
from tests.factories import World
from tests.interpret.dictionary_store import shipped_feature

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_label_is_chosen_and_then_judged(
    sign_in: Callable[[User], Any], live_server: Any, world: World, shoot: Callable[[str], None]
) -> None:
    shipped_feature(world.system)
    browser = sign_in(world.people["researcher"])
    browser.get(f"{live_server.url}{reverse('admin:dictionary', args=[Dictionary.objects.get().pk])}")
    browser.find_element("link text", "countries").click()
    shoot("dictionary")
    browser.find_element("css selector", "tbody th a[href*='/features/']").click()
    assert browser.find_elements("css selector", "mark")
    browser.find_element("css selector", "#tb-concept option[value='countries']").click()
    browser.find_element("css selector", "button[type='submit'].default").click()
    table = see(browser, "countries", within="#tb-labels + *")
    label = FeatureLabel.objects.get()
    assert f"{label.figures['held_out']:.2f}" in table
    shoot("feature")
    speak(browser, "zh-hans")
    browser.refresh()
    assert "它不能说明什么" in browser.find_element("css selector", ".tb-does-not-show").text
    shoot("feature-zh")
    speak(browser, "en")
