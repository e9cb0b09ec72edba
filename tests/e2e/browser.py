"""What the browser tests do again and again."""

from __future__ import annotations

from typing import Any

WAIT = 60  # seconds for a page to say what it should; reached only when a test is about to fail

# One command, so that no page can go between two of them; and only a page that has come whole.
READ = (
    "return document.readyState === 'complete' ? document.querySelector(arguments[0])?.innerText ?? '' : ''"
)


def see(browser: Any, text: str, *, within: str = "main") -> str:
    """Wait until the page, or a part of it, says this, and return all it says."""
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.support.ui import WebDriverWait

    def says(driver: Any) -> str:
        page = str(driver.execute_script(READ, within))
        return page if text in page else ""

    waiting = WebDriverWait(  # a page that goes while it is read is answered with errors of several kinds
        browser, WAIT, poll_frequency=0.1, ignored_exceptions=[WebDriverException]
    )
    return waiting.until(says, f"the page never said {text!r}")


def read_down(browser: Any, text: str, *, within: str = "main") -> str:
    """Wait until a page that draws what is in sight says this, scrolling down to its end, and return all it said."""
    said = list[str]()

    def says(driver: Any) -> str:
        said.append(str(driver.execute_script(READ, within)))
        driver.execute_script("window.scrollBy(0, 500)")
        return "\n".join(said) if text in said[-1] else ""

    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, WAIT, poll_frequency=0.1).until(says, f"the page never said {text!r}")


def scroll_down_to(browser: Any, selector: str) -> Any:
    """Scroll a page that draws what is in sight until an element is there, and return it."""
    from selenium.webdriver.support.ui import WebDriverWait

    def found(driver: Any) -> Any:
        if elements := driver.find_elements("css selector", selector):
            return elements[0]
        driver.execute_script("window.scrollBy(0, 500)")
        return None

    return WebDriverWait(browser, WAIT, poll_frequency=0.1).until(found, f"the page never had {selector}")


def complaints(browser: Any) -> list[str]:
    """Return what a browser that listens (`listening`) refused or could not do on the page it shows."""
    refused = browser.execute_script("return window.refused || ['the listener is not there']")
    logged = [
        each["message"] for each in browser.get_log("browser") if each["level"] in {"SEVERE", "WARNING"}
    ]
    return [*refused, *logged]


def click(browser: Any, by: str, what: str) -> None:
    """Click what a person would; where the page draws it anew in that moment, what it has drawn."""
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.support.ui import WebDriverWait

    def clicked(driver: Any) -> bool:
        driver.find_element(by, what).click()
        return True

    WebDriverWait(browser, WAIT, ignored_exceptions=[StaleElementReferenceException]).until(clicked)


def speak(browser: Any, language: str) -> None:
    """Ask for pages in a language, from the next one on."""
    browser.add_cookie({"name": "django_language", "value": language, "path": "/"})


def wear(browser: Any, scheme: str) -> None:
    """Ask for light or dark, as a system's setting does."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def beyond(browser: Any) -> int:
    """Return by how many pixels the page scrolls sideways."""
    page = "document.documentElement"
    return int(browser.execute_script(f"return {page}.scrollWidth - {page}.clientWidth"))
