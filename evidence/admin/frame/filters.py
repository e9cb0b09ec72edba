"""Filters of lists. They offer only what the person may see: a choice is a row, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from typing import Any, Final

from django.contrib.admin import (
    AllValuesFieldListFilter,
    ChoicesFieldListFilter,
    FieldListFilter,
    ModelAdmin,
    RelatedFieldListFilter,
    SimpleListFilter,
)
from django.db.models import QuerySet
from django.http import HttpRequest

from evidence.admin.frame.address import no_value
from evidence.admin.frame.labels import choice_of
from evidence.admin.frame.visibility import rows_of, visible
from evidence.admin.frame.words import in_words
from evidence.selectors.deployments import all_live_at
from evidence.worded import Worded, worded


class WordedChoicesFilter(ChoicesFieldListFilter):
    """Choices of a column with a fixed vocabulary, in the reader's language."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Yield Django's choices, each under what it is called."""
        codes = {label: code for code, label in self.field.flatchoices}
        for choice in super().choices(changelist):
            label = choice["display"]
            if label in codes:
                choice["display"] = choice_of(codes[label], label, str(self.field))
            yield choice


# In the place of Django's own, in every list that narrows by such a column.
FieldListFilter.register(lambda field: bool(field.choices), WordedChoicesFilter, take_priority=True)


class VisibleRelatedFilter(RelatedFieldListFilter):
    """Choices of a relation, narrowed to the systems of the person."""

    @property
    def include_empty_choice(self) -> bool:
        """Whether rows without one are a choice: where a column of theirs can be empty."""
        return bool(self.field.null)

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> list[tuple[str, Any]]:
        rows = visible(rows_of(field.related_model), request)
        ordering = self.field_admin_ordering(field, request, model_admin)
        rows = rows.order_by(*ordering) if ordering else rows.order_by("-pk")
        if any(column.name == "system" for column in rows.model._meta.fields):
            rows = rows.select_related("system")  # releases and baselines are named by it
        return [(str(row.pk), str(row)) for row in rows[:100]]

    def has_output(self) -> bool:
        """Whether it is shown: with a single choice only where the address narrows by it, or that would do nothing."""
        return bool(self.used_parameters) or super().has_output()


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


class LiveAtFilter(SimpleListFilter):
    """What was live at the end of a day: a date to type, instead of choices."""

    title = "live on"
    parameter_name = "live_on"
    template = "admin/date_filter.html"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        del request, model_admin
        return [("", "")]  # the template asks for a date; without a choice Django would leave the filter out

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Yield what the template needs: the date now typed, and the other parameters of the address."""
        kept = {key: value for key, value in changelist.params.items() if key != self.parameter_name}
        kept |= {
            key: values[-1] for key, values in changelist.filter_params.items() if key != self.parameter_name
        }
        yield {"value": self.value() or "", "name": self.parameter_name, "kept": kept}

    def fault_in(self, value: str) -> Worded | None:
        """Return what is wrong with a typed date; an empty one is a form that was sent without."""
        is_day = not value or _day_of(value) is not None
        return None if is_day else no_value(self.parameter_name, value, worded("a day, as 2026-11-30"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return what was live when the day was over, UTC; everything where no date is typed."""
        del request
        day = _day_of(self.value() or "")
        if day is None:
            return queryset
        return all_live_at(queryset, datetime.combine(day, time.max, tzinfo=UTC)).order_by(
            "-effective_from", "-id"
        )


def _day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class RecentCodesFilter(RecentValuesFilter):
    """The same of a column of our own codes, which are shown as words."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        everything, *others = super().choices(changelist)
        yield everything
        for choice in others:
            yield {**choice, "display": in_words(str(choice["display"]))}


def recent(column: str) -> tuple[str, type[RecentValuesFilter]]:
    """Return a `list_filter` entry for a text column without choices."""
    return column, RecentValuesFilter


def recent_codes(column: str) -> tuple[str, type[RecentCodesFilter]]:
    """Return a `list_filter` entry for a text column of our own codes."""
    return column, RecentCodesFilter


def standing(states: Iterable[str]) -> type[SimpleListFilter]:
    """Return the filter by where a request stands, of a list whose rows have it as `state_now`."""

    class StateFilter(SimpleListFilter):
        title = "state"
        parameter_name = "state"

        def lookups(self, request: object, model_admin: object) -> list[tuple[str, str]]:
            del request, model_admin
            return [(state, choice_of(state, state.capitalize())) for state in states]

        def queryset(self, request: object, queryset: QuerySet[Any]) -> QuerySet[Any]:
            del request
            return queryset if self.value() is None else queryset.filter(state_now=self.value())

    return StateFilter
