"""What a person sees in the admin: the rows of their systems, and internals only with the permission for them."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from evidence.access import visible_to
from evidence.pages.reader import principal_of


def visible(queryset: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """Return the rows this person may see in the admin. Every list, detail, choice and search goes through here.

    Raises:
        AccessDenied: the model belongs to no system; its admin says itself what may be seen of it.
    """
    return visible_to(queryset, principal_of(request))


def rows_of(model: type[Model]) -> QuerySet[Any]:
    """Return all rows of a model, to be narrowed."""
    return model._default_manager.all()  # public in Django's documentation, by that name
