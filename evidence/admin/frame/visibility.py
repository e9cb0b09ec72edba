"""What a person sees in the admin: the rows of their systems, and internals only with the permission for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from evidence.access import Principal, principal_of_session, visible_to

REREADS: Final = "rereads_form"  # what is set on a request that shows once more a form that was sent before


def principal_of(request: HttpRequest) -> Principal:
    """Return who is looking, computed once for a request."""
    cached: Principal | None = getattr(request, "_admin_principal", None)
    if cached is None:
        cached = replace(principal_of_session(request), rereads=getattr(request, REREADS, False))
        request._admin_principal = cached  # type: ignore[attr-defined]  # noqa: SLF001  # our cache, on the request itself
    return cached


def visible(queryset: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """Return the rows this person may see in the admin. Every list, detail, choice and search goes through here.

    Raises:
        AccessDenied: the model belongs to no system; its admin says itself what may be seen of it.
    """
    return visible_to(queryset, principal_of(request))


def rows_of(model: type[Model]) -> QuerySet[Any]:
    """Return all rows of a model, to be narrowed."""
    return model._default_manager.all()  # public in Django's documentation, by that name
