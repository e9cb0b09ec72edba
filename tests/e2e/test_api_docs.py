"""The page of the API, in a real browser, with everything but our own server out of reach."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.http import HttpRequest, HttpResponse

from tests.e2e.browser import click, read_down, see

pytestmark = pytest.mark.django_db(transaction=True)

POLICY = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'"


class StrictPolicy:
    """Middleware that allows pages nothing inline and nothing from elsewhere."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.get_response(request)
        response["Content-Security-Policy"] = POLICY
        return response


@pytest.fixture
def strict(settings: Any) -> None:
    settings.MIDDLEWARE = [f"{__name__}.StrictPolicy", *settings.MIDDLEWARE]


def test_the_api_page_shows_every_operation_without_the_internet(
    strict: None, live_server: Any, chromium: Any, shoot: Any
) -> None:
    chromium.get(f"{live_server.url}/api/docs")
    see(chromium, "/api/v1/assessments")
    click(chromium, "css selector", "[id$='-assessments_list'] .opblock-summary-control")
    see(chromium, "List assessments; assess a release.")
    shoot("api-docs")
    page = read_down(chromium, "/v1/logs")
    assert "/api/v1/traces" in page
    assert "/log/checkpoint" in page
    loaded = chromium.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert {urlsplit(address).netloc for address in loaded} == {urlsplit(live_server.url).netloc}
    assert any(address.endswith("/api/schema") for address in loaded)
    assert [message for message in refused(chromium) if "script" in message] == []


@pytest.mark.parametrize(
    ("operation", "path", "shown"),
    [
        (
            "baselines_create",
            "/api/v1/baselines",
            ["As it was sent", '"all_approved": true', "As it was answered"],
        ),
        ("links_list", "/api/v1/links", ["As it was answered", '"kind": "derives"', "credit-assistant"]),
    ],
)
def test_an_operation_shows_its_examples(
    strict: None, live_server: Any, chromium: Any, operation: str, path: str, shown: list[str]
) -> None:
    chromium.get(f"{live_server.url}/api/docs")
    see(chromium, "/api/v1/assessments")
    read_down(chromium, path)
    click(chromium, "css selector", f"[id$='-{operation}'] .opblock-summary-control")
    for text in shown:
        see(chromium, text)
    if folder := os.environ.get("TRACEBINDER_SHOTS"):
        opened = chromium.find_element("css selector", f"[id$='-{operation}']")
        opened.screenshot(f"{folder}/api-docs-{operation}.png")


def test_a_problem_is_a_page_in_the_look_of_the_admin(
    strict: None, live_server: Any, chromium: Any, shoot: Any
) -> None:
    chromium.get(f"{live_server.url}/nothing-here")
    assert "There is nothing here" in see(chromium, "Not found")
    header = chromium.find_element("id", "header")
    assert header.value_of_css_property("background-color") not in {"rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"}
    shoot("problem")
    assert refused(chromium) == []


def refused(browser: Any) -> list[str]:
    """Return what the policy kept from the page."""
    return [
        entry["message"] for entry in browser.get_log("browser") if "Content Security" in entry["message"]
    ]
