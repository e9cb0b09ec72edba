"""Keyset cursors: the cost of a page does not grow with how far in it is."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class KeysetPagination(CursorPagination):
    """Newest first, by primary key. `?cursor=` continues, `?limit=` asks for fewer or more rows."""

    ordering = "-pk"
    page_size_query_param = "limit"
    max_page_size = 500
