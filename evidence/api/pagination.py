"""Keyset cursors: the cost of a page does not grow with how far in it is."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ValidationError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from evidence.errors import Fault, InvalidInput
from evidence.worded import worded


class KeysetPagination(CursorPagination):
    """Newest first, by primary key. `?cursor=` continues, `?limit=` asks for fewer or more rows."""

    ordering: str | tuple[str, ...] = "-pk"
    page_size_query_param = "limit"
    max_page_size = 500
    PARAMETERS: Final = ("cursor", "limit")

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """Return the rows of the page.

        Raises:
            InvalidInput: the cursor or the limit is none.
        """
        self._key = self._field_of(queryset.model)
        self.base_url = request.build_absolute_uri()  # as DRF sets it again; a cursor is read before it does
        return super().paginate_queryset(self.narrow(queryset, request), request, view)

    def narrow(self, queryset: Any, request: Request) -> Any:
        """Return the rows that the page may show: all of them, unless a list has a way of its own to find a page."""
        del request
        return queryset

    def get_page_size(self, request: Request) -> int:
        """Return how many rows were asked for."""
        text = request.query_params.get("limit")
        if text is None:
            return int(self.page_size or 0)
        if not (
            text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= self.max_page_size
        ):
            message = worded(
                "limit is a whole number from 1 to %(most)s, not %(given)s",
                most=self.max_page_size,
                given=repr(text[:40]),
            )
            raise InvalidInput(faults=[Fault("query", "limit", "out_of_range", message)])
        return int(text)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the place that an earlier page named.

        Raises:
            InvalidInput: no page named it so; what DRF would read of it and leave out is no place of ours.
        """
        written = request.query_params.get(self.cursor_query_param)
        try:
            cursor: Cursor | None = super().decode_cursor(request)
            is_ours = cursor is None or self._text_of(cursor) == written
        except (NotFound, ValidationError):
            is_ours = False
        if not is_ours:
            message = worded(
                "cursor is taken from the `next` or `previous` of a page, whole; this one is from none",
            )
            raise InvalidInput(faults=[Fault("query", "cursor", "invalid_cursor", message)])
        return cursor

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe the page: DRF says `nullable`, which a schema of today does not know."""
        described = super().get_paginated_response_schema(schema)
        for link in ("next", "previous"):
            described["properties"][link] = {"type": ["string", "null"], "format": "uri"}
        return {**described, "required": ["next", "previous", "results"]}

    def _field_of(self, model: Any) -> Any:
        """Return the field by whose value a cursor names a place."""
        first = self.ordering if isinstance(self.ordering, str) else self.ordering[0]
        name = first.lstrip("-")
        return model._meta.pk if name == "pk" else model._meta.get_field(name)

    def _text_of(self, cursor: Cursor) -> str:
        """Return the text that a page gives a cursor."""
        position: Any = cursor.position
        if position is not None:
            position = str(self._key.to_python(position))
        link = self.encode_cursor(Cursor(cursor.offset, cursor.reverse, position))
        return parse_qs(urlsplit(link).query, keep_blank_values=True)[self.cursor_query_param][0]
