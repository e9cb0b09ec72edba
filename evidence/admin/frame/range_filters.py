"""Filters of lists by a range that is typed: from a number to another, from a day to another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Final

from django.contrib.admin import FieldListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.address import RefusedAddress, no_value
from evidence.worded import Worded, worded

_LARGEST: Final = Decimal(2**63 - 1)  # of a column of whole numbers; a cost is kept to less


class RangeFilter(FieldListFilter):
    """Numbers from one to another, both among them; either may be left open."""

    template = "admin/range_filter.html"
    kind: ClassVar[str] = "number"  # of the boxes
    labels: ClassVar[tuple[StrOrPromise, StrOrPromise]] = (_("At least"), _("At most"))
    expectation: ClassVar[Worded] = worded("a number from 0, without decimals where it counts")

    def __init__(
        self,
        field: Any,
        request: HttpRequest,
        params: dict[str, Any],
        model: Any,
        model_admin: Any,
        field_path: str,
    ) -> None:
        self.names = (f"{field_path}__gte", f"{field_path}__lte")
        super().__init__(field, request, params, model, model_admin, field_path)
        self._decimals: int = getattr(field, "decimal_places", 0)
        given: dict[str, Any] = self.used_parameters
        self.typed = {name: given.get(name, [""])[-1].strip() for name in self.names}

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def has_output(self) -> bool:
        """Whether it is shown: always, it takes what is typed."""
        return True

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Yield what the template needs: both ends as typed, and the other parameters of the address."""
        ends = [
            {"name": name, "value": self.typed[name], "label": label}
            for name, label in zip(self.names, self.labels, strict=True)
        ]
        kept = {key: value for key, value in changelist.params.items() if key not in self.names}
        kept |= {key: values[-1] for key, values in changelist.filter_params.items() if key not in self.names}
        yield {
            "kind": self.kind,
            "ends": ends,
            "kept": list(kept.items()),
            "is_used": any(self.typed.values()),
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows between both ends.

        Raises:
            RefusedAddress: an end is none.
        """
        del request
        ends = {name: self._read(name, text) for name, text in self.typed.items() if text}
        return queryset.filter(**ends)

    def _read(self, name: str, text: str) -> Any:
        value = self.read(text)
        if value is None:
            raise RefusedAddress(no_value(name, text, self.expectation))
        return value

    def read(self, text: str) -> Any:
        """Return what was typed, None where it is nothing of the kind."""
        try:
            number = Decimal(text)
        except InvalidOperation:
            return None
        if not number.is_finite() or not 0 <= number <= _LARGEST:
            return None
        return number if int(number.normalize().as_tuple().exponent) >= -self._decimals else None


class DayRangeFilter(RangeFilter):
    """Days from one to another, UTC, both among them."""

    kind = "date"
    labels = (_("From"), _("To"))
    expectation = worded("a day, as 2026-11-30")

    def read(self, text: str) -> Any:
        """Return the day that was typed."""
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None

    def period(self) -> tuple[datetime | None, datetime | None]:
        """Return when the range begins, and the moment after its end; None: it is open there.

        Raises:
            RefusedAddress: an end is none.
        """
        first, last = (
            self._read(name, self.typed[name]) if self.typed[name] else None for name in self.names
        )
        if last == date.max:
            last = None
        began = None if first is None else datetime(first.year, first.month, first.day, tzinfo=UTC)
        after = None if last is None else last + timedelta(days=1)
        return began, None if after is None else datetime(after.year, after.month, after.day, tzinfo=UTC)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of these days."""
        del request
        began, after = self.period()
        ends = {f"{self.field_path}__gte": began, f"{self.field_path}__lt": after}
        return queryset.filter(**{name: moment for name, moment in ends.items() if moment is not None})


def between(column: str) -> tuple[str, type[RangeFilter]]:
    """Return a `list_filter` entry for a range of numbers."""
    return column, RangeFilter
