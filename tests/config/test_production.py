"""The settings of docker-compose.yml: TLS ends at the proxy, and the process behind it behaves accordingly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from config.checks import PRODUCTION
from tests.invariants.walk import REPOSITORY

ASK = """
import json
import django
django.setup()
from django.conf import settings
from django.test import Client
client = Client(headers={"host": "tracebinder.example.com"})
def ask(path, **headers):
    response = client.get(path, headers=headers)
    return [response.status_code, dict(response.headers)]
print(json.dumps({
    "plain": ask("/admin/"),
    "probe": ask("/healthz"),
    "behind": ask("/healthz", **{"x-forwarded-proto": "https"}),
    "secure": [settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE],
}))
"""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What a process with those settings answers; it connects to nothing."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRACEBINDER_")}
    environment |= {**PRODUCTION, "DJANGO_SETTINGS_MODULE": "config.settings"}
    environment["TRACEBINDER_VAR"] = os.environ["TRACEBINDER_VAR"]
    result = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return dict(json.loads(result.stdout))


def test_a_page_asked_for_in_the_clear_leads_to_tls(told: dict[str, Any]) -> None:
    status, headers = told["plain"]
    assert (status, headers["Location"]) == (301, "https://tracebinder.example.com/admin/")


def test_a_probe_past_the_proxy_gets_its_answer(told: dict[str, Any]) -> None:
    assert told["probe"][0] == 200


def test_browsers_are_told_to_come_by_tls_from_now_on(told: dict[str, Any]) -> None:
    status, headers = told["behind"]
    assert status == 200
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert headers["Referrer-Policy"] == "same-origin"
    assert told["secure"] == [True, True]
