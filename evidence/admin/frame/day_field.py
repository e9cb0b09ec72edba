"""A day that somebody chooses in a form, as the moment it begins."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import forms

from evidence import clock


class DayField(forms.DateField):
    """Takes a day; its value is when the day begins: aware, UTC. None where none is needed and none was chosen."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}), **kwargs)

    def clean(self, value: Any) -> datetime | None:
        """Return the beginning of the day."""
        day: date | None = super().clean(value)
        return None if day is None else clock.beginning_of(day)
