"""The period that a page is about: its days stand in the address, both inclusive, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.http import HttpRequest

from evidence import clock
from evidence.errors import Fault, InvalidInput
from evidence.worded import worded

FROM: Final = "from"
TO: Final = "to"
_LENGTH: Final = timedelta(days=90)  # unless the address says another
_YEARS: Final = range(1970, 9999)  # whose days have others before and after them


@dataclass(frozen=True, slots=True)
class Days:
    """A period of whole days."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        """When it begins, inclusive."""
        return clock.beginning_of(self.first)

    @property
    def until(self) -> datetime:
        """When it ends, exclusive."""
        return clock.beginning_of(self.last + timedelta(days=1))

    @property
    def n(self) -> int:
        """How many days it has; none or less where it ends before it begins."""
        return (self.last - self.first).days + 1


def read_days(request: HttpRequest) -> Days:
    """Return the period of the address; without one, the ninety days before today, and today.

    Raises:
        InvalidInput: what it names is no day.
    """
    last = read_day(request, TO) or clock.now().date()
    return Days(read_day(request, FROM) or last - _LENGTH, last)


def read_day(request: HttpRequest, name: str) -> date | None:
    """Return a day that the address or a form names; None: it names none. Raises as `read_days`."""
    given = (request.POST if request.method == "POST" else request.GET).get(name, "")
    if not given:
        return None
    try:
        day = date.fromisoformat(given)
    except ValueError:
        day = date.min
    if day.year not in _YEARS:
        raise InvalidInput(faults=[Fault("query", name, "invalid", worded("a day, as 2026-03-31"))])
    return day
