"""Filters of lists that refuse a value they cannot read. Django's own leave such a filter out without a word."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, Final

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from django_filters.rest_framework import filters as rest_filters

from evidence.api.inputs import unknown_choice
from evidence.errors import Fault, InvalidInput
from evidence.worded import quoted

_LARGEST_ID: Final = 2**63 - 1


class TruthField(forms.Field):
    """`true` or `false`, and nothing else."""

    VALUES: Final[Mapping[str, bool]] = {"true": True, "false": False}
    default_error_messages: ClassVar[dict[str, Any]] = {"invalid_choice": "must be true or false"}

    def to_python(self, value: Any) -> bool | None:
        """Read the value. Raises `ValidationError` for anything else."""
        if value in self.empty_values:
            return None
        if str(value) not in self.VALUES:
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return self.VALUES[str(value)]


class MomentField(IsoDateTimeField):
    """An ISO 8601 time between the years 1 and 9999, in UTC, as the database compares it."""

    def to_python(self, value: Any) -> datetime | None:
        """Read the time. Raises `ValidationError` for one that UTC has no date for."""
        moment: datetime | None = super().to_python(value)
        try:
            return None if moment is None else moment.astimezone(UTC)
        except OverflowError as exc:
            raise ValidationError(
                "This time lies outside the years 1 to 9999 in UTC.", code="out_of_range"
            ) from exc


class TruthFilter(django_filters.BooleanFilter):
    """`true` or `false`."""

    field_class = TruthField  # type: ignore[assignment]  # the stub names the class it replaces


class MomentFilter(django_filters.IsoDateTimeFilter):
    """A time, before or after which."""

    field_class = MomentField


class IdFilter(django_filters.NumberFilter):
    """The number of a row. Whether there is such a row, or whose it is, it does not tell."""

    field_class = forms.IntegerField  # type: ignore[assignment]  # likewise

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"min_value": 1, "max_value": _LARGEST_ID} | kwargs)

    def get_max_validator(self) -> None:
        """Return none: `max_value` is one."""


class NumberFilter(django_filters.NumberFilter):
    """A whole number of things, from 0."""

    field_class = forms.IntegerField  # type: ignore[assignment]  # likewise

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"min_value": 0, "max_value": _LARGEST_ID} | kwargs)

    def get_max_validator(self) -> None:
        """Return none: `max_value` is one."""


class AmountFilter(django_filters.NumberFilter):
    """An amount of money, from 0, with as many decimals as a cost is kept with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        limits = {"min_value": 0, "max_digits": 30, "decimal_places": 12}
        super().__init__(*args, **limits | kwargs)

    def get_max_validator(self) -> None:
        """Return none: `max_digits` is one."""


class ByTokenFilter(TruthFilter):
    """Judgements that came by a token, or by somebody who had signed in: the field, a token's prefix, is empty."""

    def filter(self, qs: Any, value: bool | None) -> Any:  # noqa: FBT001  # django-filter's signature
        if value is None:
            return qs
        came_by_none = {str(self.field_name): ""}
        return qs.exclude(**came_by_none) if value else qs.filter(**came_by_none)


class RepeatedFilter(django_filters.CharFilter):
    """A text that may be given several times; each of them narrows."""

    repeats = True


class FilterSet(django_filters.FilterSet):
    """Filters that each refuse what they cannot read; the base of all of ours."""

    FILTER_DEFAULTS = {
        **django_filters.FilterSet.FILTER_DEFAULTS,
        models.BooleanField: {"filter_class": TruthFilter},
        models.DateTimeField: {"filter_class": MomentFilter},
        models.ForeignKey: {"filter_class": IdFilter},
        models.OneToOneField: {"filter_class": IdFilter},
    }


# Filters that leave themselves out where a value cannot be read, or that tell whether somebody else's row exists.
LOOSE: Final[frozenset[type[Any]]] = frozenset(
    {
        django_filters.BooleanFilter, rest_filters.BooleanFilter, django_filters.IsoDateTimeFilter,
        django_filters.DateTimeFilter, django_filters.ModelChoiceFilter, django_filters.ModelMultipleChoiceFilter,
    }
)  # fmt: skip


class StrictFilterBackend(DjangoFilterBackend):
    """Says of each filter what is wrong with its value, and which one is near."""

    filterset_base = FilterSet

    def filters_of(self, view: Any) -> Mapping[str, Any]:
        """Return the filters of a list view by name."""
        kind: Any = type(view)
        return _filters_of(kind)

    def filter_queryset(
        self, request: Any, queryset: models.QuerySet[Any], view: Any
    ) -> models.QuerySet[Any]:
        """Narrow the rows.

        Raises:
            InvalidInput: a value is none of the choices, or cannot be read.
        """
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise InvalidInput(faults=_faults_of(filterset))
        narrowed: models.QuerySet[Any] = filterset.qs
        return narrowed


@cache
def _filters_of(view: type[Any]) -> Mapping[str, Any]:
    filterset = StrictFilterBackend().get_filterset_class(view, view.queryset)
    return {} if filterset is None else filterset.base_filters


def _faults_of(filterset: Any) -> list[Fault]:
    return [
        _fault_of(filterset, name, error)
        for name, errors in filterset.form.errors.as_data().items()
        for error in errors
    ]


def _fault_of(filterset: Any, name: str, error: ValidationError) -> Fault:
    choices = _choices_of(filterset.form.fields[name])
    if error.code == "invalid_choice" and choices:
        return unknown_choice(filterset.data.get(name), choices, part="query", path=name)
    return Fault("query", name, error.code or "invalid", quoted(" ".join(error.messages)))


def _choices_of(field: Any) -> Collection[str]:
    if isinstance(field, TruthField):
        return tuple(field.VALUES)
    return [str(value) for value, _ in getattr(field, "choices", ()) if value != ""]
