"""What the browser tests do again and again."""

from __future__ import annotations

from typing import Any

WAIT = 10  # seconds for a page to say what it should; reached only when a test is about to fail


def see(browser: Any, text: str, *, within: str = "main") -> str:
    """Wait until the page, or a part of it, says this, and return all it says."""
    from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
    from selenium.webdriver.support.ui import WebDriverWait

    def says(driver: Any) -> str:
        page = driver.find_element("css selector", within).text
        return page if text in page else ""

    waiting = WebDriverWait(
        browser,
        WAIT,
        poll_frequency=0.1,
        ignored_exceptions=[NoSuchElementException, StaleElementReferenceException],
    )
    return waiting.until(says, f"the page never said {text!r}")


def click(browser: Any, by: str, what: str) -> None:
    """Click what a person would."""
    browser.find_element(by, what).click()


def speak(browser: Any, language: str) -> None:
    """Ask for pages in a language, from the next one on."""
    browser.add_cookie({"name": "django_language", "value": language, "path": "/"})


def wear(browser: Any, scheme: str) -> None:
    """Ask for light or dark, as a system's setting does."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
