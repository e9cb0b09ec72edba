"""Signing in with a second factor in a real browser, under the strict Content-Security-Policy."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.config.test_second_factor import PASSWORD, code_of
from tests.e2e.browser import click, see
from tests.e2e.test_api_docs import refused

pytestmark = pytest.mark.django_db(transaction=True)


def type_in(browser: Any, name: str, text: str) -> None:
    browser.find_element("name", name).send_keys(text)


def test_a_person_sets_up_a_second_factor_and_signs_in_with_it(
    live_server: Any, chromium: Any, shoot: Any
) -> None:
    User.objects.create_superuser("pia", password=PASSWORD)
    chromium.delete_all_cookies()
    chromium.get(f"{live_server.url}/admin/login/?next=/admin/second-factor/")
    see(chromium, "One-time code", within="#login-form")
    shoot("sign-in")
    type_in(chromium, "username", "pia")
    type_in(chromium, "password", PASSWORD)
    click(chromium, "css selector", "#login-form [type=submit]")
    see(chromium, "authenticator app")
    assert chromium.find_element("css selector", ".tb-qr svg").size["width"] > 100
    shoot("second-factor")
    secret = chromium.find_element("css selector", ".tb-panel code").text.replace(" ", "")
    type_in(chromium, "code", code_of(secret, steps=-1))
    click(chromium, "css selector", ".tb-form [type=submit]")
    assert "recovery codes" in see(chromium, "Your second factor is set up")
    shoot("recovery-codes")
    chromium.delete_all_cookies()
    chromium.get(f"{live_server.url}/admin/login/?next=/admin/proof/")
    for name, text in (("username", "pia"), ("password", PASSWORD), ("code", code_of(secret))):
        type_in(chromium, name, text)
    click(chromium, "css selector", "#login-form [type=submit]")
    see(chromium, "prove that it is you")
    shoot("proof")
    assert refused(chromium) == []
