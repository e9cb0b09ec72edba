"""What callers send: bodies and query parameters. A name or a choice that nobody knows is refused, never ignored.

Every `…In` serializer is an `Input` and every set of query parameters a `QueryInput`; a test walks them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar, Final, Literal

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.settings import api_settings

from evidence.errors import MOST_FAULTS, Fault, InvalidInput
from evidence.limits import excess
from evidence.nearest import hint_at, nearest_name
from evidence.worded import quoted, worded

_UNKNOWN: Final = {
    "field": worded("Unknown field %(name)s; %(hint)s"),
    "query parameter": worded("Unknown query parameter %(name)s; %(hint)s"),
}
_SHOWN: Final = 100  # characters of a name somebody made up


class Input(serializers.Serializer[Any]):
    """The fields of a body. Fields may be inputs themselves, or lists of them."""

    part: ClassVar[Literal["body", "query"]] = "body"

    def is_valid(self, *, raise_exception: bool = False) -> bool:
        """Whether every name is known and every value fits.

        Raises:
            InvalidInput: with each fault and its place, where asked to raise.
        """
        super().is_valid()
        found = list(islice(self._faults(), MOST_FAULTS))
        if found and raise_exception:
            raise InvalidInput(faults=found)
        return not found

    def _faults(self) -> Iterator[Fault]:
        yield from _unknown_in(self, self.initial_data, "", self.part)
        yield from _refused_in(self, self.errors, self.initial_data, "", self.part)

    @classmethod
    def listed(cls, *, limit: str, **given: Any) -> InputList:
        """Return a field that takes a list of these.

        Args:
            limit: the setting of how many there may be, as `evidence.limits` takes it.
            given: what Django REST framework's lists take.
        """
        return InputList(child=cls(), limit=limit, **given)

    @classmethod
    def many_init(cls, *_: Any, **__: Any) -> Any:
        """Refuse a list without a limit, where its module is loaded."""
        raise TypeError(f"{cls.__name__}(many=True) has no limit: write {cls.__name__}.listed(limit=…)")


class InputList(serializers.ListSerializer[Any]):
    """A list of inputs. One that is too long is refused before anything in it is looked at."""

    def __init__(self, *args: Any, limit: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limit = limit

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, list):
            _check_number(len(data), self.limit)
        return super().to_internal_value(data)


class FreeValue(serializers.JSONField):
    """A value of any form, which is kept as it is: all that is in it, at every depth, is counted."""

    limit: ClassVar[str] = "MAX_FREE_VALUES"

    def to_internal_value(self, data: Any) -> Any:
        _check_number(count_values(data), self.limit)
        return super().to_internal_value(data)


class FreeObject(FreeValue):
    """An object of any members."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError("This is an object: {…}.", code="not_a_dict")
        return super().to_internal_value(data)


def count_values(value: object) -> int:
    """Return how many values are in one, at every depth: members of objects and items of lists."""
    waiting, counted = [value], 0
    while waiting:
        each = waiting.pop()
        inner: Collection[object] = (
            each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        )
        counted += len(inner)
        waiting += inner
    return counted


def _check_number(count: int, limit: str) -> None:
    if found := excess(count, limit):
        raise serializers.ValidationError(f"{found}.", code="too_many")


class QueryInput(Input):
    """The query parameters that an address takes."""

    part = "query"


def check_parameters(
    query: QueryDict,
    known: Collection[str],
    *,
    unsaid: Collection[str] = (),
    repeatable: Collection[str] = (),
    may_be_empty: bool = False,
    part: Literal["body", "query"] = "query",
) -> None:
    """Refuse parameters that nobody knows, that have no value, or that are given twice where one would be ignored.

    Args:
        known: their names.
        unsaid: names that are known as well, and that nobody types: none of them is what somebody meant.
        repeatable: those that may be given more than once.
        may_be_empty: whether they may be given without a value, as forms send a field that nobody filled in.
        part: "body", where they are the fields of a form, and called so.

    Raises:
        InvalidInput: with each fault.
    """
    faults = [
        fault
        for name in query
        if (fault := _fault_of_parameter(name, query.getlist(name), known, unsaid, repeatable, part))
        and not (may_be_empty and fault.code in {"empty_parameter", "empty_field"})
    ]
    if faults:
        raise InvalidInput(faults=faults[:MOST_FAULTS])


def check_storable(form: QueryDict) -> None:
    """Say which fields of a form hold what no text of the database can, where the database did not take it.

    Fields of serializers and of Django's forms look for it themselves.

    Raises:
        InvalidInput: with each fault.
    """
    faults = [fault for name, values in form.lists() if (fault := _fault_of_null("body", name, values))]
    if faults:
        raise InvalidInput(faults=faults[:MOST_FAULTS])


def faults_in(detail: Any) -> list[Fault]:
    """Return the faults in the detail of Django REST framework's own `ValidationError`."""
    return list(islice(_refused_in(None, detail, None, "", "body"), MOST_FAULTS))


def unknown_choice(
    written: object, choices: Collection[str], *, part: Literal["body", "query"], path: str
) -> Fault:
    """Return the fault of a value that is none of the choices."""
    shown = str(written)[:_SHOWN]
    listed = ", ".join(choices)
    message = worded(
        "%(path)s is not one of %(choices)s: %(given)s",
        path=path,
        choices=listed,
        given=repr(shown),
    )
    return Fault(part, path, "invalid_choice", message, nearest_name(shown, choices))


def _fault_of_parameter(
    name: str,
    values: list[str],
    known: Collection[str],
    unsaid: Collection[str],
    repeatable: Collection[str],
    part: Literal["body", "query"],
) -> Fault | None:
    shown = name[:_SHOWN]
    noun, kind = ("field", "field") if part == "body" else ("query parameter", "parameter")
    if name not in known and name not in unsaid:
        return _unknown(part, shown, shown, known, noun, f"unknown_{kind}")
    if len(values) > 1 and name not in repeatable:
        return Fault(
            part,
            shown,
            f"repeated_{kind}",
            worded("%(name)s is given %(times)s times: give it once", name=shown, times=len(values)),
        )
    if not all(values):
        return Fault(
            part,
            shown,
            f"empty_{kind}",
            worded("%(name)s has no value: leave it out, or say which", name=shown),
        )
    return _fault_of_null(part, name, values)


def _fault_of_null(part: Literal["body", "query"], name: str, values: list[str]) -> Fault | None:
    if not any("\x00" in text for text in (name, *values)):
        return None
    shown = name[:_SHOWN].replace("\x00", "\\u0000")
    return Fault(
        part,
        shown,
        "null_character",
        worded("%(name)s holds the character U+0000: leave it out", name=shown),
    )


def _unknown(
    part: Literal["body", "query"], path: str, name: str, known: Collection[str], noun: str, code: str
) -> Fault:
    nearest = nearest_name(name, known)
    return Fault(
        part,
        path,
        code,
        worded(_UNKNOWN[noun], name=repr(name), hint=hint_at(nearest)),
        nearest,
    )


def _unknown_in(field: Any, data: Any, place: str, part: Literal["body", "query"]) -> Iterator[Fault]:
    """Yield the names in `data`, however deep, that no field has."""
    if isinstance(field, serializers.ListSerializer):
        for index, item in enumerate(data if isinstance(data, list) else ()):
            yield from _unknown_in(field.child, item, _joined(place, index), part)
    elif isinstance(field, serializers.Serializer) and isinstance(data, Mapping):
        for name, value in data.items():
            here = _joined(place, name)
            if name in field.fields:
                yield from _unknown_in(field.fields[name], value, here, part)
            else:
                yield _unknown(part, here, str(name)[:_SHOWN], field.fields, "field", "unknown_field")


def _refused_in(
    field: Any, errors: Any, data: Any, place: str, part: Literal["body", "query"]
) -> Iterator[Fault]:
    """Yield what the fields themselves refused, with its place: DRF nests it as the data is nested."""
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            if name == api_settings.NON_FIELD_ERRORS_KEY:
                yield from _refused_in(field, inner, data, place, part)
            else:
                yield from _refused_in(
                    _below(field, name), inner, _item(data, name), _joined(place, name), part
                )
        return
    for index, inner in enumerate(errors):
        if isinstance(inner, str):
            yield _fault_of_value(field, inner, data, place, part)
        else:
            yield from _refused_in(
                _below(field, index), inner, _item(data, index), _joined(place, index), part
            )


def _fault_of_value(field: Any, detail: Any, data: Any, place: str, part: Literal["body", "query"]) -> Fault:
    code = str(getattr(detail, "code", "") or "invalid")
    if code == "invalid_choice" and isinstance(field, serializers.ChoiceField):
        return unknown_choice(data, [str(each) for each in field.choices], part=part, path=place)
    return Fault(part, place, code, quoted(str(detail)))


def _item(data: Any, key: Any) -> Any:
    try:
        return data[key]
    except (KeyError, IndexError, TypeError):
        return None


def _below(field: Any, key: Any) -> Any:
    """Return the field that reads an item of what `field` reads."""
    return getattr(field, "child", None) if isinstance(key, int) else getattr(field, "fields", {}).get(key)


def _joined(place: str, key: Any) -> str:
    if isinstance(key, int):
        return f"{place}[{key}]"
    shown = str(key)[:_SHOWN]
    return f"{place}.{shown}" if place else shown
