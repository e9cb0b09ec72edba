"""What a search found of one noun, and how the noun's own list is asked for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.base import admin_of
from evidence.admin.frame.display import list_url, record_url
from evidence.admin.frame.record_names import name_of
from evidence.pages.search.asked import Asked

MOST: Final = 10  # of one noun that are shown


@dataclass(frozen=True, slots=True)
class Hit:
    """One record."""

    text: StrOrPromise
    url: str
    beside: StrOrPromise = ""
    language: str = ""  # of the text, where it is somebody else's


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of a noun."""

    title: StrOrPromise
    hits: tuple[Hit, ...] = ()
    is_more: bool = False  # there are more than are shown, and nobody counted them
    list_url: str = ""  # the whole list that holds them; empty: these are all
    note: StrOrPromise = ""  # what was not looked at, and why


def by_its_list(
    request: HttpRequest, asked: Asked, *, title: StrOrPromise, model: type[Model]
) -> Group | None:
    """Return what the noun's own list finds for a text; None where the person may not open it.

    None as well where a record is asked for by its number: no list is searched by that.

    Raises:
        SearchTooWide: the database ended it.
    """
    rows = None if asked.is_one_record else rows_of_list(request, model)
    if rows is None:
        return None
    of_list: Any = admin_of(admin.site, model)
    found, may_repeat = of_list.get_search_results(request, rows, asked.term)
    shown = as_shown(model, (found.distinct() if may_repeat else found).order_by("-pk"))
    return group_of(
        title,
        (Hit(name_of(row), record_url(row)) for row in shown),
        list_url(model._meta.label, q=asked.term),
    )


def rows_of_list(request: HttpRequest, model: type[Model]) -> QuerySet[Any] | None:
    """Return the rows of a noun's list; None where the person may not open it."""
    of_list = admin_of(admin.site, model)
    if of_list is None or not of_list.has_view_permission(request):
        return None
    return of_list.get_queryset(request)


def as_shown(model: type[Model], rows: QuerySet[Any]) -> list[Any]:
    """Return the first rows, and one more where there is one, with what their names are made of."""
    of_list: Any = admin_of(admin.site, model)
    joined, deferred = of_list.list_select_related, getattr(of_list, "list_defer", ())
    rows = rows.select_related(*joined) if joined else rows
    return list(rows.defer(*deferred)[: MOST + 1])


def group_of(title: StrOrPromise, hits: Iterable[Hit], whole: str = "") -> Group:
    """Return hits as a group: the first few of them, and whether there are more."""
    found = tuple(hits)
    return Group(title, found[:MOST], len(found) > MOST, whole if found else "")
