"""The tabs of the middle pane: links with addresses of their own, and what each shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import pgettext_lazy
from django_stubs_ext import StrOrPromise

from evidence.pages.review_desk.address import Tab, read_tab
from evidence.pages.review_desk.asked_before import asked_context
from evidence.pages.review_desk.inside import inside_context
from evidence.pages.review_desk.looking import Looking
from evidence.pages.review_desk.path import path_context
from evidence.pages.review_desk.retrieved import retrieved_context
from evidence.pages.review_desk.source import source_context

TITLES: Final[Mapping[Tab, StrOrPromise]] = {
    Tab.CLAIM: pgettext_lazy("tab", "This claim"),
    Tab.RETRIEVED: pgettext_lazy("tab", "Retrieved"),
    Tab.PATH: pgettext_lazy("tab", "Path"),
    Tab.ASKED: pgettext_lazy("tab", "Asked before"),
    Tab.INSIDE: pgettext_lazy("tab", "Inside"),
}


@dataclass(frozen=True, slots=True)
class TabLink:
    """A tab as it is shown."""

    title: StrOrPromise
    address: str
    is_current: bool


_SHOWN: Final[Mapping[Tab, Callable[[Looking], dict[str, Any]]]] = {
    Tab.CLAIM: source_context,
    Tab.RETRIEVED: retrieved_context,
    Tab.PATH: path_context,
    Tab.ASKED: asked_context,
    Tab.INSIDE: inside_context,
}


def pane_context(looking: Looking) -> dict[str, Any]:
    """Return the tabs, and what the chosen one shows.

    Raises:
        InvalidInput: the address names a tab that there is not.
    """
    chosen = read_tab(looking.request)
    tabs = [
        TabLink(title, looking.address(tab=None if tab is Tab.CLAIM else tab), tab is chosen)
        for tab, title in TITLES.items()
    ]
    at = next(place for place, tab in enumerate(tabs) if tab.is_current)
    beside = {
        "tab_before": tabs[at - 1] if at else None,
        "tab_after": tabs[at + 1] if tabs[at + 1 :] else None,
    }
    template = f"pages/review_desk/tab_{chosen}.html"
    return {"tabs": tabs, **beside, "tab_template": template, **_SHOWN[chosen](looking)}
