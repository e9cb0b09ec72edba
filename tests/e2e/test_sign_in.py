"""Signing in with a second factor in a real browser, under the strict Content-Security-Policy."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.config.test_second_factor import PASSWORD, code_of
from tests.e2e.browser import click, complaints, see

pytestmark = pytest.mark.django_db(transaction=True)


def type_in(browser: Any, name: str, text: str) -> None:
    browser.find_element("name", name).send_keys(text)


def test_a_person_sets_up_a_second_factor_and_signs_in_with_it(
    live_server: Any, listening: Any, shoot: Any
) -> None:
    User.objects.create_superuser("pia", password=PASSWORD)
    listening.delete_all_cookies()
    listening.get(f"{live_server.url}/admin/login/?next=/admin/second-factor/")
    see(listening, "One-time code", within="#login-form")
    shoot("sign-in")
    type_in(listening, "username", "pia")
    type_in(listening, "password", PASSWORD)
    click(listening, "css selector", "#login-form [type=submit]")
    see(listening, "authenticator app")
    assert listening.find_element("css selector", ".tb-qr svg").size["width"] > 100
    shoot("second-factor")
    secret = listening.find_element("css selector", ".tb-panel code").text.replace(" ", "")
    type_in(listening, "code", code_of(secret, steps=-1))
    click(listening, "css selector", ".tb-form [type=submit]")
    assert "recovery codes" in see(listening, "Your second factor is set up")
    shoot("recovery-codes")
    listening.delete_all_cookies()
    listening.get(f"{live_server.url}/admin/login/?next=/admin/proof/")
    for name, text in (("username", "pia"), ("password", PASSWORD), ("code", code_of(secret))):
        type_in(listening, name, text)
    click(listening, "css selector", "#login-form [type=submit]")
    see(listening, "prove that it is you")
    shoot("proof")
    assert complaints(listening) == []
