"""What kind of thing a column of a list holds: times as people say them, numbers with their unit, at the right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import (
    DateTimeField,
    DecimalField,
    Field,
    FloatField,
    ForeignKey,
    IntegerField,
    Model,
)
from django.utils.functional import lazy
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.headings import heading_of
from evidence.admin.frame.labels import choice_of, noun_of
from evidence.admin.frame.moments import ago, to_the_minute
from evidence.admin.frame.record_names import is_named_here, name_of

_SHOWN: Final = "{}_as_listed"
_NAME: Final = "__str__"  # what Django calls the column of what a record is called
HOLDS_TIMES, HOLDS_NUMBERS = "holds_times", "holds_numbers"  # attributes of the functions that show a column


def columns_as_listed(
    model: type[Model], units: Mapping[str, StrOrPromise]
) -> dict[str, Callable[[Model], Any]]:
    """Return the columns that a list does not show as they are stored, by the names of the functions that show them.

    Args:
        units: of columns that hold numbers, by name: "bytes".
    """
    shown = {_SHOWN.format(_NAME): _name_column(model)}
    for field in model._meta.fields:
        if isinstance(field, DateTimeField):
            shown[_SHOWN.format(field.name)] = _time_column(field)
        elif field.choices:
            shown[_SHOWN.format(field.name)] = _choice_column(field)
        elif isinstance(field, ForeignKey) and is_named_here(field.related_model):
            shown[_SHOWN.format(field.name)] = _record_column(field)
        elif field.name in units:
            shown[_SHOWN.format(field.name)] = _number_column(field, units[field.name])
    return shown


def as_listed(of_list: Any, columns: Sequence[Any]) -> list[Any]:
    """Return columns, with the functions that show them in place of those that are not shown as they are stored."""
    return [
        _SHOWN.format(column) if hasattr(of_list, _SHOWN.format(column)) else column for column in columns
    ]


def holds_times(of_list: Any, column: Any) -> bool:
    """Whether a column of a list shows times."""
    return getattr(_function_of(of_list, column), HOLDS_TIMES, False)


def holds_numbers(of_list: Any, column: Any) -> bool:
    """Whether a column of a list shows bare numbers: as they are stored, or by a function that says so."""
    function = _function_of(of_list, column)
    if function is not None:
        return getattr(function, HOLDS_NUMBERS, False)
    field = next((each for each in of_list.model._meta.fields if each.name == str(column)), None)
    is_number = isinstance(field, IntegerField | FloatField | DecimalField)
    return is_number and field is not None and not field.choices


def _function_of(of_list: Any, column: Any) -> Any:
    return column if callable(column) else getattr(of_list, str(column), None)


def _name_column(model: type[Model]) -> Callable[[Model], Any]:
    @admin.display(description=lazy(noun_of, str)(model._meta))
    def show(row: Model) -> Any:
        return name_of(row)

    return show


def _time_column(field: Field[Any, Any]) -> Callable[[Model], Any]:
    # The ends of a period say which it is: how far they are from now says it of none.
    say = to_the_minute if field.name.startswith("period_") else ago

    @admin.display(description=field.verbose_name, ordering=field.name)
    def show(row: Model) -> Any:
        moment = getattr(row, field.name)
        return None if moment is None else say(moment)

    setattr(show, HOLDS_TIMES, True)
    return show


def _record_column(field: Field[Any, Any]) -> Callable[[Model], Any]:
    @admin.display(description=field.verbose_name, ordering=field.name)
    def show(row: Model) -> Any:
        record = getattr(row, field.name)
        return None if record is None else name_of(record)

    return show


def _choice_column(field: Field[Any, Any]) -> Callable[[Model], Any]:
    @admin.display(description=field.verbose_name, ordering=field.name)
    def show(row: Model) -> Any:
        return choice_in_words(field, getattr(row, field.name))

    return show


def choice_in_words(field: Field[Any, Any], value: Any) -> str | None:
    """Return what a column with a fixed vocabulary says, in the reader's language; a code it does not know as it is."""
    known = dict(field.flatchoices)
    return choice_of(value, known.get(value, value), str(field)) if value or value in known else None


def _with_unit(label: object, unit: object) -> str:
    return f"{heading_of(label)} ({unit})"


def _number_column(field: Field[Any, Any], unit: StrOrPromise) -> Callable[[Model], Any]:
    @admin.display(description=lazy(_with_unit, str)(field.verbose_name, unit), ordering=field.name)
    def show(row: Model) -> Any:
        return getattr(row, field.name)

    setattr(show, HOLDS_NUMBERS, True)
    return show
