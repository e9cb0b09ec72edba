"""Warnings of names that can be taken for others, wherever a person, a system or a release is shown by its name."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from evidence.look_alikes import find_look_alike, what_is_odd
from evidence.models import Release, System

# What each is called by, and the field within whose rows a name tells one from another; empty: all rows.
_NAMED: Final[dict[type[Model], tuple[str, str]]] = {
    User: ("username", ""),
    System: ("name", ""),
    Release: ("name", "system"),
}


def warn_of_name(request: HttpRequest, noun: ModelAdmin[Any], object_id: str | None) -> None:
    """Warn whoever opens a record whose name can be taken for another: of the rows of the noun that they may see."""
    if object_id is None or request.method != "GET" or noun.model not in _NAMED:
        return
    obj = noun.get_object(request, object_id)
    if obj is not None and (warning := warning_about(obj, noun.get_queryset(request))):
        messages.warning(request, warning)


def is_odd(obj: Model) -> bool:
    """Whether a name can be taken for another by its own letters; asks nothing of the database."""
    named = _NAMED.get(type(obj))
    return named is not None and bool(what_is_odd(str(getattr(obj, named[0]))))


def warning_about(obj: Model, rows: QuerySet[Any]) -> str:
    """Return what makes the name of something one that can be taken for another; empty where nothing does.

    Args:
        rows: those of its kind that it may be taken for, each of which the reader may see.
    """
    named = _NAMED.get(type(obj))
    if named is None:
        return ""
    column, within = named
    name = str(getattr(obj, column))
    if odd := what_is_odd(name):
        return _("Look twice at the name %(name)s: %(odd)s.") % {"name": name, "odd": odd}
    if within:
        rows = rows.filter(**{within: getattr(obj, within)})
    if other := find_look_alike(name, rows.values_list(column, flat=True)):
        return _("Look twice at the name %(name)s: it reads like %(other)s.") % {"name": name, "other": other}
    return ""
