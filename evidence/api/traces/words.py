"""Lists of traces by their words: how they are asked for, and how their pages are found."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, cast

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from rest_framework.pagination import Cursor
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import principal_of
from evidence.api.filtering import MomentField
from evidence.api.pagination import KeysetPagination
from evidence.models import System
from evidence.search_terms import Term, UnreadableSearch, read_terms
from evidence.selectors.trace_words import FoundPage, Period, Place, WordSearch


class WordsField(forms.CharField):
    """Words and phrases, as what must all be found."""

    default_error_messages: ClassVar[dict[str, Any]] = {}

    def to_python(self, value: Any) -> tuple[Term, ...]:  # type: ignore[override]  # a field reads what it likes
        """Read them. Raises `ValidationError` for what is no search."""
        text = super().to_python(value)
        try:
            return read_terms(text) if text else ()
        except UnreadableSearch as exc:
            raise ValidationError(str(exc), code="unreadable_search") from exc


class WordsFilter(django_filters.CharFilter):
    """Traces that hold all of some words, of which `WordPagination` finds a page at a time."""

    field_class = WordsField


class WordPagination(KeysetPagination):
    """Finds the rows of a page by their words first, where words are asked for. Filters have checked the request.

    A search that had to look at very much stops after a time: its page has fewer rows, or none, says how far it came,
    and its link goes on from there.
    """

    _found: FoundPage | None = None

    def narrow(self, queryset: Any, request: Request) -> Any:
        """Return the rows of the page, and one more where there is another page."""
        asked = request.query_params.get("words")
        if not asked:
            return queryset
        search = WordSearch(
            read_terms(asked), systems=systems_asked_for(request), period=period_asked_for(request)
        )
        place, offset = self._place_in(request)
        self._found = search.find(queryset, self.get_page_size(request) + offset + 1, place)
        return queryset.filter(pk__in=self._found.keys)

    def get_next_link(self) -> str | None:
        """Return the address of the next page: from where the search stopped, if it did."""
        return self._going_on(reverse=False) or super().get_next_link()

    def get_previous_link(self) -> str | None:
        """Return the address of the page before, likewise."""
        return self._going_on(reverse=True) or super().get_previous_link()

    def _going_on(self, *, reverse: bool) -> str | None:
        stopped_at = self._found.stopped_at if self._found else None
        if stopped_at is None or reverse != bool(self.cursor and self.cursor.reverse):
            return None
        position: Any = str(stopped_at)  # DRF compares texts, whatever its stubs say
        return self.encode_cursor(Cursor(0, reverse, position))

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page, with how far its search came where it stopped."""
        response = super().get_paginated_response(data)
        response.data["looked_back_to"] = self._found.looked_back_to if self._found else None
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe the page."""
        described = super().get_paginated_response_schema(schema)
        described["properties"]["looked_back_to"] = {
            "type": ["string", "null"],
            "format": "date-time",
            "description": (
                "A search for words has a time. Where it was over before the page was full, this says when the last "
                "trace that was looked at had been sealed, and `next` (on the way back, `previous`) goes on from "
                "there. Null: all that had to be was looked at."
            ),
        }
        return described

    def _place_in(self, request: Request) -> tuple[Place, int]:
        """Return from where a page goes on, and how many rows it passes over there."""
        cursor = self.decode_cursor(request)
        if cursor is None:
            return Place(), 0
        position = None if cursor.position is None else int(cast("str", cursor.position))
        if cursor.reverse:
            return Place(after=position if position is not None else 0), cursor.offset
        return Place(before=position), cursor.offset


def systems_asked_for(request: Request) -> list[int]:
    """Return the systems whose rows a request may be answered with."""
    systems = System.objects.filter(pk__in=principal_of(request).system_ids)
    if key := request.query_params.get("system"):
        systems = systems.filter(key=key)
    return list(systems.values_list("pk", flat=True))


def period_asked_for(request: Request) -> Period:
    """Return the period that `since` and `until` name."""
    return Period(_moment(request, "since"), _moment(request, "until"))


def _moment(request: Request, name: str) -> datetime | None:
    moment: datetime | None = MomentField(required=False).clean(request.query_params.get(name))
    return moment
