"""A real Chromium, driven by WebDriver, on a live server with the rights of the web process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1440,1000",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",  # pages come from our server alone
    "--js-flags=--no-opt --no-maglev",  # a page's scripts run once: to optimise them takes longer than it saves
)

# Told by the browser itself before any script of the page runs: also what a page would keep from the log.
LISTEN = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell what walks through pages took: keys, clicks and seconds, none of which is asserted."""
    for report in terminalreporter.getreports("passed"):
        for name, told in report.user_properties:
            if name == "walk":
                terminalreporter.write_line(f"walk: {told}")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for the session; skipped only where the machine has none."""
    if not CHROMIUM or not DRIVER:
        pytest.skip(
            "no Chromium with chromedriver on this machine: install the packages chromium and chromium-driver"
        )
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})  # what a page could not load or run
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def listening(chromium: Any) -> Iterator[Any]:
    """The browser, telling of each thing that a policy refused (`tests.e2e.browser.complaints`)."""
    listener = chromium.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LISTEN})
    chromium.get_log("browser")
    yield chromium
    chromium.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", listener)


@pytest.fixture
def sign_in(chromium: Any, live_server: Any) -> Callable[[User], Any]:
    """Return a function that opens the browser as a person, by a session cookie: nobody here has a password."""

    def act_as(person: User) -> Any:
        client = Client()
        client.force_login(person)
        name = django_settings.SESSION_COOKIE_NAME
        cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url, "path": "/"}
        # The browser itself is told, so that no page is opened for it.
        chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
        chromium.execute_cdp_cmd("Network.setCookie", cookie)
        chromium.get(f"{live_server.url}/admin/")
        return chromium

    return act_as


@pytest.fixture
def shoot(chromium: Any, request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return a function that keeps a picture of the whole page where TRACEBINDER_SHOTS names a folder."""
    import os

    folder = os.environ.get("TRACEBINDER_SHOTS", "")

    def keep(name: str) -> None:
        if not folder:
            return
        height = chromium.execute_script("return document.documentElement.scrollHeight")
        chromium.set_window_size(1440, max(1000, height + 20))
        chromium.save_screenshot(str(Path(folder) / f"{name}.png"))
        chromium.set_window_size(1440, 1000)

    return keep
