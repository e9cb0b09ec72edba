"""What the address of a page of the admin asks for. What the page does not have is refused by name, not left out.

Django narrows a list by what its filters make of an address, and leaves out what they make nothing of; its other
pages read the parameters they know. `StrictChangeList` and `check_address` stand before both, for every noun.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IS_FACETS_VAR, IS_POPUP_VAR, TO_FIELD_VAR, IncorrectLookupParameters
from django.contrib.admin.views.main import ALL_VAR, ORDER_VAR, PAGE_VAR, SEARCH_VAR, ChangeList
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, QueryDict

from evidence.api.inputs import check_parameters
from evidence.errors import InvalidInput
from evidence.nearest import MISSPELT, nearest_name
from evidence.search_terms import fault_in_words
from evidence.worded import Worded, joined, worded

_PAGE: Final = re.compile(r"[1-9][0-9]{0,8}")
_COLUMN: Final = re.compile(r"-?([0-9]{1,3})")
_TRUTHS: Final = ("True", "False", "true", "false", "1", "0")
_SHOWN: Final = 100  # characters of what somebody made up
_MOST_VALUES: Final = 20  # of one filter

# What Django's views of a record carry along, by the end of their name, and what its other views read.
_OF_RECORDS: Final = ("_add", "_change", "_delete", "_history", "_review", "_password_change")
OF_THE_LIST: Final = "_changelist_filters"  # how the list is narrowed that led to a page, and is led back to
CARRIED: Final = (OF_THE_LIST, IS_POPUP_VAR, TO_FIELD_VAR)
_PICKER: Final = "autocomplete"
_OF_VIEWS: Final[Mapping[str, tuple[str, ...]]] = {
    _PICKER: ("term", "page", "app_label", "model_name", "field_name"),
    "password_change": (),
}


class RefusedAddress(IncorrectLookupParameters):
    """The address of a list asks for something that the list does not have. Its sentence names it."""


class StrictChangeList(ChangeList):
    """A list that does all that its address says, or is not shown as if it did.

    A filter may say what is wrong with a value in a method `fault_in(value)`; a `SimpleListFilter` that does not takes
    its own choices alone.
    """

    def get_filters(self, request: HttpRequest) -> Any:
        """Return what Django returns: the filters with a choice, and the lookups that none of them took.

        Raises:
            RefusedAddress: naming a parameter, or a value of one, that means nothing here.
        """
        _raise_first(self._faults_of_order_and_page(request.GET))
        _raise_first(self._faults_of_lookups(request))
        found = super().get_filters(request)
        _raise_first(self._faults_of_filters(request.GET, filters=found[0], lookups=found[2]))
        return found

    def get_results(self, request: HttpRequest) -> None:
        """Read the rows of the page.

        Raises:
            RefusedAddress: there is no such page, or there are too many rows for one.
        """
        super().get_results(request)
        if self.page_num > self.paginator.num_pages:
            raise RefusedAddress(worded("This list has no page %(page)s.", page=self.page_num))
        if self.show_all and not self.can_show_all:
            raise RefusedAddress(
                worded("This list is too long for one page: leave %(name)s out.", name=repr(ALL_VAR))
            )

    def read_rows(self, keys: Sequence[Any]) -> list[Model]:
        """Return the rows of these keys, in their order, each with what its columns show."""
        found = {row.pk: row for row in self.queryset.order_by().filter(pk__in=keys)}
        return [found[key] for key in keys if key in found]

    def _faults_of_order_and_page(self, asked: QueryDict) -> Iterator[Worded]:
        for name in (ALL_VAR, ORDER_VAR, PAGE_VAR, SEARCH_VAR):
            yield from _repetition(name, asked)
        for name, values in asked.lists():
            if len(values) > _MOST_VALUES:  # each is looked for
                yield worded(
                    "%(name)s is given %(times)s times: %(most)s are taken.",
                    name=repr(name[:_SHOWN]),
                    times=len(values),
                    most=_MOST_VALUES,
                )
        if everything := asked.get(ALL_VAR, ""):
            yield no_value(ALL_VAR, everything, worded("given without a value"))
        page = asked.get(PAGE_VAR)
        if page is not None and not _PAGE.fullmatch(page):
            yield no_value(PAGE_VAR, page, worded("the number of a page"))
        for column in filter(None, asked.get(ORDER_VAR, "").split(".")):
            if not self._orders_by(column):
                yield no_value(ORDER_VAR, column, worded("the number of a column that orders this list"))
        if SEARCH_VAR in asked and not self.search_fields:
            yield worded("This list cannot be searched: leave %(name)s out.", name=repr(SEARCH_VAR))
        yield from filter(None, [fault_in_words(asked.get(SEARCH_VAR, ""))])
        if IS_FACETS_VAR in asked and not self.add_facets:
            yield _no_parameter(IS_FACETS_VAR, ())

    def _orders_by(self, column: str) -> bool:
        number = _COLUMN.fullmatch(column)
        if number is None or int(number[1]) >= len(self.list_display):
            return False
        return self.list_display[int(number[1])] in (self.sortable_by or ())

    def _faults_of_lookups(self, request: HttpRequest) -> Iterator[Worded]:
        """Yield what is wrong with lookups, whether or not a filter takes them.

        Of those that the person may not use, nothing is said here: Django refuses them next.
        """
        own = self._names_of_own_filters()
        for name in self.get_filters_params():
            if name in own:
                continue
            field, rest = field_of(self.model, name)
            if field is None:
                yield _no_parameter(name, {*own, *(each.name for each in self.model._meta.fields)})
            for value in request.GET.getlist(name):
                if self.model_admin.lookup_allowed(name, value, request):
                    yield from _fault_of_value(name, value, field, rest)

    def _names_of_own_filters(self) -> set[str]:
        return {
            str(kind.parameter_name)
            for kind in self.list_filter
            if isinstance(kind, type) and issubclass(kind, SimpleListFilter)
        }

    def _faults_of_filters(self, asked: QueryDict, *, filters: Any, lookups: Any) -> Iterator[Worded]:
        used = set(lookups)
        for spec in filters:
            used.update(spec.expected_parameters())
            if isinstance(spec, SimpleListFilter):
                yield from _faults_of_own_filter(spec, asked)
        for name in self.get_filters_params():
            of_dates = self.date_hierarchy and name.startswith(f"{self.date_hierarchy}{LOOKUP_SEP}")
            if name not in used and not of_dates:
                yield worded("%(name)s has nothing to choose from in this list.", name=repr(name[:_SHOWN]))


def check_address(request: HttpRequest, view: Any) -> None:
    """Refuse parameters that a page does not read, and a search by a picker for too many words.

    Lists, and pages of the frame, see to both themselves.

    Raises:
        InvalidInput: naming each, or saying how many words are taken.
    """
    name = (request.resolver_match.url_name if request.resolver_match else None) or ""
    answers_itself = getattr(view, "checks_parameters", False)
    is_nothing = getattr(view, "__name__", "") == "catch_all_view"
    if not (answers_itself or is_nothing or name.endswith("_changelist")):
        # Django's own pages send some of theirs empty: a picker whose text was cleared does.
        check_parameters(request.GET, _parameters_of(request, name, view), may_be_empty=True)
        if name == _PICKER and (fault := fault_in_words(request.GET.get("term", ""))):
            raise InvalidInput(fault)


def field_of(model: type[Model], lookup: str) -> tuple[Field[Any, Any] | None, str]:
    """Return the field that a lookup leads to, and what is left of the lookup: `exact`, say, or nothing."""
    found: Any = None
    options: Any = model._meta
    parts = lookup.split(LOOKUP_SEP)
    for place, part in enumerate(parts):
        try:
            field = options.pk if part == "pk" else options.get_field(part)
        except (FieldDoesNotExist, AttributeError):  # the field before it has no fields of its own
            return found, LOOKUP_SEP.join(parts[place:])
        found, options = field, getattr(field.related_model, "_meta", None)
    return found, ""


def _parameters_of(request: HttpRequest, name: str, view: Any) -> Collection[str]:
    if name in _OF_VIEWS or not name.endswith(_OF_RECORDS):
        return _OF_VIEWS.get(name, ())
    if name.endswith("_history"):
        return [*CARRIED, PAGE_VAR]
    added: Any = getattr(getattr(view, "__self__", None), "parameters_to_add", None)
    return added(request) if added is not None and name.endswith("_add") else CARRIED


def _faults_of_own_filter(spec: SimpleListFilter, asked: QueryDict) -> Iterator[Worded]:
    name, value = str(spec.parameter_name), spec.value()
    yield from _repetition(name, asked)
    if value is None:
        return
    own = getattr(spec, "fault_in", None)
    if own is not None:
        yield from filter(None, [own(value)])
        return
    choices = [str(choice) for choice, _ in spec.lookup_choices]
    if value not in choices:
        yield _no_choice(name, value, choices)


def _fault_of_value(name: str, value: str, field: Any, rest: str) -> Iterator[Worded]:
    if rest.endswith("isnull") and value not in _TRUTHS:
        yield no_value(name, value, worded("True or False"))
    choices = [str(choice) for choice, _ in getattr(field, "flatchoices", None) or ()]
    if choices and rest in {"", "exact", "in"}:
        for each in value.split(",") if rest == "in" else [value]:
            if each not in choices and not (each == "" and field.blank):
                yield _no_choice(name, each, choices)


def _repetition(name: str, asked: QueryDict) -> Iterator[Worded]:
    if len(asked.getlist(name)) > 1:
        yield worded("%(name)s is given more than once: give it once.", name=repr(name))


def _no_parameter(name: str, known: Iterable[str]) -> Worded:
    nearest = nearest_name(name, known, alike=MISSPELT)
    if nearest is None:
        return worded("This list has no filter %(name)s.", name=repr(name[:_SHOWN]))
    return worded(
        "This list has no filter %(name)s; did you mean %(nearest)s?",
        name=repr(name[:_SHOWN]),
        nearest=repr(nearest),
    )


def _no_choice(name: str, value: str, choices: list[str]) -> Worded:
    nearest = nearest_name(value, choices, alike=MISSPELT)
    told = {
        "name": repr(name[:_SHOWN]),
        "choices": joined(choices),
        "given": repr(value[:_SHOWN]),
    }
    if nearest is None:
        return worded("%(name)s is one of %(choices)s, not %(given)s.", **told)
    return worded(
        "%(name)s is one of %(choices)s, not %(given)s; did you mean %(nearest)s?",
        **told,
        nearest=repr(nearest),
    )


def no_value(name: str, value: str, wanted: Worded) -> Worded:
    """Say that what an address asks for is no value of a filter.

    Args:
        wanted: what one is, as "a day, as 2026-11-30".
    """
    return worded(
        "%(name)s is %(wanted)s, not %(given)s.",
        name=repr(name[:_SHOWN]),
        wanted=wanted,
        given=repr(value[:_SHOWN]),
    )


def _raise_first(faults: Iterator[Worded]) -> None:
    fault = next(faults, None)
    if fault is not None:
        raise RefusedAddress(fault)
