"""The list of traces, searched for words and narrowed to a period."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from evidence.admin.frame.range_filters import DayRangeFilter
from evidence.admin.frame.trace_search import TraceIdSearch
from evidence.errors import InvalidInput, SearchTooWide
from evidence.models import Trace
from evidence.pages.reader import principal_of
from evidence.pages.refusals import refusal_text
from evidence.search_terms import UnreadableSearch, read_terms
from evidence.selectors.revisions import is_superseded
from evidence.selectors.trace_words import FoundPage, Period, Place, WordSearch, within

MOST: Final = 1_000  # traces that a search for words leads to, the newest
_SYSTEM: Final = "system__id__exact"


class TraceSearch(TraceIdSearch):
    """A list that is searched by trace ids, by ids as given, and by the words of current revisions."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find rows by their ids, and by their words."""
        by_id, may_repeat = super().get_search_results(request, queryset, search_term)
        found = self._find_by_words(request, queryset, search_term) if search_term.strip() else FoundPage([])
        keys = found.keys
        if since := found.looked_back_to:
            self.message_user(
                request,
                _(
                    "The search stopped for time. It has looked at what was sealed since %(since)s: add a rarer word "
                    "for more."
                )
                % {"since": f"{since:%Y-%m-%d %H:%M} UTC"},
                messages.WARNING,
            )
        if not keys:
            return by_id, may_repeat
        if len(keys) == MOST:
            self.message_user(
                request,
                _("Of the traces that hold these words, the newest %(most)d are listed.") % {"most": MOST},
            )
        keys += by_id.order_by("-pk").values_list("pk", flat=True)[:MOST]
        return queryset.filter(pk__in=keys), may_repeat

    def _find_by_words(self, request: HttpRequest, rows: QuerySet[Trace], asked: str) -> FoundPage:
        try:
            search = WordSearch(read_terms(asked), systems=_systems_of(request), period=Period())
            return search.find(rows.filter(~is_superseded()), MOST, Place())
        except (UnreadableSearch, InvalidInput, SearchTooWide) as exc:
            self.message_user(
                request,
                _("Only ids were searched, and no words. %(why)s") % {"why": refusal_text(exc)},
                messages.WARNING,
            )
            return FoundPage([])


class BeganFilter(DayRangeFilter):
    """The days on which traces began."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the traces of these days, beginning where they are."""
        found = super().queryset(request, queryset)
        period = Period(*self.period())
        return within(found, principal_of(request).system_ids, period) if period.is_bounded else found


def _systems_of(request: HttpRequest) -> list[int]:
    """Return the systems of a person, or the one of them that the list is narrowed to."""
    mine = principal_of(request).system_ids
    asked = request.GET.get(_SYSTEM, "")
    return [pk for pk in mine if not asked or str(pk) == asked]
