"""The page of the search over everything a person may see.

Each noun is asked for what its own list would show this person, so the search tells nothing that no list does. Each
has a second of the database, all together three: what was not looked at is named, and leads to its list.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from evidence.access import Principal
from evidence.errors import SearchTooWide
from evidence.pages.frame import Page, page_view
from evidence.pages.search.asked import Asked, read_asked
from evidence.pages.search.groups import Group
from evidence.selectors.search_limit import limited
from evidence.time_budget import TimeBudget

_BUDGET: Final = 3.0  # seconds of a search
_LONGEST_STATEMENT: Final = 1.0  # seconds
_LIMITED: Final = _("Not all was looked at, for time: search in the list of the noun you look for.")


@page_view(parameters=["q"], may_be_empty=True)
def search(request: HttpRequest, principal: Principal) -> Page | HttpResponseBase:
    """Show what was found, by noun; lead to what a whole id names where that is one thing alone."""
    del principal
    asked = read_asked(request.GET.get("q", ""))
    groups, is_cut = _find(request, asked)
    hits = [hit for group in groups for hit in group.hits]
    if asked.is_whole_id and len(hits) == 1 and not is_cut and not any(group.is_more for group in groups):
        return HttpResponseRedirect(hits[0].url)
    told = {"asked": asked, "groups": groups, "limited": _LIMITED if is_cut else "", "n_hits": len(hits)}
    return Page("pages/search.html", _("Search"), told)


def _find(request: HttpRequest, asked: Asked) -> tuple[list[Group], bool]:
    """Return what was found of each noun that the person may list, and whether time was over for any."""
    if not asked.text or asked.fault:
        return [], False
    groups: list[Group | None] = []
    finders = [import_string(path) for path in settings.SEARCHED]
    is_cut, budget = False, TimeBudget.of(_BUDGET)
    while finders and not budget.is_spent():
        try:
            with limited(_LONGEST_STATEMENT):  # begun anew after what the database ended
                while finders and not budget.is_spent():
                    groups.append(finders.pop(0)(request, asked))
        except SearchTooWide:
            is_cut = True
    told = [group for group in groups if group is not None and (group.hits or group.note)]
    return told, is_cut or bool(finders)
