"""Filters of lists. They offer only what the person may see: a choice is a row, too."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.admin import AllValuesFieldListFilter, ModelAdmin, RelatedFieldListFilter
from django.http import HttpRequest

from evidence.admin.scope import rows_of, visible


class VisibleRelatedFilter(RelatedFieldListFilter):
    """Choices of a relation, narrowed to the systems of the person."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> list[tuple[str, Any]]:
        rows = visible(rows_of(field.related_model), request)
        ordering = self.field_admin_ordering(field, request, model_admin)
        rows = rows.order_by(*ordering) if ordering else rows.order_by("-pk")
        if any(column.name == "system" for column in rows.model._meta.fields):
            rows = rows.select_related("system")  # releases and baselines are named by it
        return [(str(row.pk), str(row)) for row in rows[:100]]


def related(path: str) -> tuple[str, type[VisibleRelatedFilter]]:
    """Return a `list_filter` entry for a relation."""
    return path, VisibleRelatedFilter


class RecentValuesFilter(AllValuesFieldListFilter):
    """The values of a text column among the newest rows: all values would mean reading the whole table."""

    READ: Final = 1_000  # rows

    def __init__(
        self,
        field: Any,
        request: HttpRequest,
        params: dict[str, Any],
        model: Any,
        model_admin: Any,
        field_path: str,
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        newest = (
            model_admin.get_queryset(request).order_by("-pk").values_list(field_path, flat=True)[: self.READ]
        )
        self.lookup_choices = sorted({value for value in newest if value})  # type: ignore[assignment]  # any iterable serves


def recent(column: str) -> tuple[str, type[RecentValuesFilter]]:
    """Return a `list_filter` entry for a text column without choices."""
    return column, RecentValuesFilter
