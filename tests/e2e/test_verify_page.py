"""The page that verifies a binder: opened from the disk, in a browser that can resolve no name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.client.zip_model import take_apart

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "client" / "verify-js" / "verify.html"
GOLDEN = ROOT / "tests" / "client" / "golden" / "1.0-spans"
(BINDER,) = GOLDEN.glob("*.zip")


def verify(browser: Any, **files: Path) -> tuple[str, dict[str, str]]:
    """Choose files, press the button, and return the verdict and the state of each line."""
    browser.get(PAGE.as_uri())
    for kind, path in files.items():
        browser.find_element(By.ID, kind).send_keys(str(path))
    browser.find_element(By.ID, "start").click()
    shown = WebDriverWait(browser, 30).until(lambda page: page.find_elements(By.CSS_SELECTOR, "#result h2"))
    rows = browser.find_elements(By.CSS_SELECTOR, "#result tbody tr")
    cells = [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in rows]
    return shown[0].text, {name: state for name, state, _ in cells}


def test_a_binder_is_verified_in_the_browser_alone(chromium: Any) -> None:
    sidecar = BINDER.with_name(f"{BINDER.name}.intoto.jsonl")
    chromium.get("about:blank")
    chromium.get_log("browser")  # what a page of another test still waited for when its server was gone
    verdict, states = verify(chromium, binder=BINDER, trust=GOLDEN / "trust.json", sidecar=sidecar)
    assert verdict.startswith("verified")
    assert [name for name, state in states.items() if state == "ok"] == [
        "integrity", "origin", "container", "log inclusion", "completeness",
    ]  # fmt: skip
    assert [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"] == []


@pytest.mark.parametrize("place", ["content", "container"])
def test_a_changed_binder_is_refused_there(chromium: Any, tmp_path: Path, place: str) -> None:
    whole = take_apart(BINDER.read_bytes())
    if place == "content":
        whole.members[-1].packed = bytes(len(whole.members[-1].packed))
    else:
        whole.tail = b"more"
    changed = tmp_path / BINDER.name
    changed.write_bytes(whole.to_bytes())
    verdict, states = verify(chromium, binder=changed, trust=GOLDEN / "trust.json")
    assert verdict.startswith("FAILED" if place == "content" else "MALFORMED")
    assert "failed" in states.values()


def test_what_was_not_chosen_is_asked_for(chromium: Any) -> None:
    chromium.get(PAGE.as_uri())
    chromium.find_element(By.ID, "start").click()
    assert chromium.find_element(By.ID, "result").text.startswith("Choose a binder and a trust file first.")
