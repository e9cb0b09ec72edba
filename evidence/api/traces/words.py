"""Lists of traces by their words: how they are asked for, and how their pages are found."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, cast

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from rest_framework.request import Request

from evidence.access import principal_of
from evidence.api.filtering import MomentField
from evidence.api.pagination import KeysetPagination
from evidence.models import System
from evidence.search_terms import Term, UnreadableSearch, read_terms
from evidence.selectors.trace_words import Period, Place, WordSearch


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
    """Finds the rows of a page by their words first, where words are asked for. Filters have checked the request."""

    def narrow(self, queryset: Any, request: Request) -> Any:
        """Return the rows of the page, and one more where there is another page."""
        asked = request.query_params.get("words")
        if not asked:
            return queryset
        search = WordSearch(
            read_terms(asked), systems=systems_asked_for(request), period=period_asked_for(request)
        )
        place, offset = self._place_in(request)
        keys = search.find(queryset, self.get_page_size(request) + offset + 1, place)
        return queryset.filter(pk__in=keys)

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
