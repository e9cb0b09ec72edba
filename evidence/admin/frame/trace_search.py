"""Lists that are searched by trace ids, and by how they begin."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.trace_ids import NoTraceId, bounds_of


class TraceIdSearch(ReadOnlyModelAdmin):
    """A list that is searched by trace ids."""

    trace_id_path: ClassVar[str] = "trace_id"
    given_ids: ClassVar[Sequence[str]] = ()  # columns of ids as senders gave them, which are searched too
    search_help_text = _("A trace id, or how it begins.")

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Return what makes the list one that is searched."""
        del request
        return [f"={self.trace_id_path}"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find rows by the ids that begin so, and by ids as given, which must be whole."""
        del request
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(pk__in=[])
        for column in self.given_ids:
            found |= Q(**{f"{column}__contains": [term]})
        with suppress(NoTraceId):  # it may be a given id
            found |= Q(**{f"{self.trace_id_path}__range": bounds_of(term)})
        return queryset.filter(found), False
