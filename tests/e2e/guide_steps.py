"""What a person does by a guide: go from home by the words that it names, and press what it says, by those words."""

from __future__ import annotations

from typing import Any, Final

from tests.e2e.browser import click, see

_BUTTON: Final = (
    "//main//*[self::button or (self::input and @type='submit')][normalize-space(.)='{0}' or @value='{0}']"
)


def press(browser: Any, says: str) -> None:
    """Press the button that says this."""
    click(browser, "xpath", _BUTTON.format(says))


def from_home(browser: Any, at: str, *links: str) -> None:
    """Go home, and from there by links that say these, one after another."""
    browser.get(f"{at}/admin/")
    for each in links:
        click(browser, "partial link text", each)


def first_of_list(browser: Any) -> None:
    """Open the first record of the list that is open, by what stands first in its row."""
    click(browser, "css selector", "#result_list tbody td:not(.action-checkbox) a, #result_list tbody th a")


def fill_in(browser: Any, **fields: str) -> None:
    """Type into text fields, by name; a date or a choice takes what a person would type."""
    for name, text in fields.items():
        browser.find_element("name", name).send_keys(text)


def choose(browser: Any, name: str, text: str) -> None:
    """Choose from a list what says this."""
    from selenium.webdriver.support.select import Select

    Select(browser.find_element("name", name)).select_by_visible_text(text)


def told(browser: Any, text: str) -> str:
    """Wait until the page tells this, above its heading too."""
    return see(browser, text, within="body")


def take_action(browser: Any, name: str, *, of: Any = None) -> None:
    """Tick the first record of a list, or the one that is named, and take an action with it."""
    ticked = f"[value='{of.pk}']" if of is not None else ""
    click(browser, "css selector", f"#result_list input[name=_selected_action]{ticked}")
    choose(browser, "action", name)
    click(browser, "css selector", ".actions button")
