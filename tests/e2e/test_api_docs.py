"""The page of the API, in a real browser, with everything but our own server out of reach."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.browser import complaints, read_down, scroll_down_to, see

pytestmark = pytest.mark.django_db(transaction=True)

# In the order of the page, which takes seconds to draw and so is read once.
EXAMPLES = {
    "baselines_create": ["As it was sent", '"all_approved": true', "As it was answered"],
    "links_list": ["As it was answered", '"kind": "derives"', "credit-assistant"],
}


def test_the_api_page_shows_every_operation_with_examples_without_the_internet(
    listening: Any, live_server: Any, shoot: Any
) -> None:
    listening.get(f"{live_server.url}/api/docs")
    see(listening, "/api/v1/assessments")
    open_operation(listening, "assessments_list")
    see(listening, "List assessments; assess a release.")
    shoot("api-docs")
    for operation, shown in EXAMPLES.items():
        open_operation(listening, operation)
        for text in shown:
            see(listening, text)
        if folder := os.environ.get("TRACEBINDER_SHOTS"):
            opened = listening.find_element("css selector", f"[id$='-{operation}']")
            opened.screenshot(f"{folder}/api-docs-{operation}.png")
    page = read_down(listening, "/v1/logs")
    assert "/api/v1/traces" in page
    assert "/log/checkpoint" in page
    loaded = listening.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert {urlsplit(address).netloc for address in loaded} == {urlsplit(live_server.url).netloc}
    assert any(address.endswith("/api/schema") for address in loaded)
    assert complaints(listening) == []


def test_a_problem_is_a_page_in_the_look_of_the_admin(listening: Any, live_server: Any, shoot: Any) -> None:
    listening.get(f"{live_server.url}/nothing-here")
    assert "There is nothing here" in see(listening, "Not found")
    header = listening.find_element("id", "header")
    assert header.value_of_css_property("background-color") not in {"rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"}
    shoot("problem")
    refused = [said for said in complaints(listening) if "404" not in said]
    assert refused == []


def open_operation(browser: Any, operation: str) -> None:
    """Scroll down until the page has drawn an operation, and open it."""
    scroll_down_to(browser, f"[id$='-{operation}'] .opblock-summary-control").click()
