"""Who sees anything of `interpret`: one place, for every list and detail."""

from __future__ import annotations

from typing import TypeVar

from django.db import models
from rest_framework.request import Request

from evidence.access import principal_of

_M = TypeVar("_M", bound=models.Model)


def for_eyes_of(request: Request, queryset: models.QuerySet[_M]) -> models.QuerySet[_M]:
    """Return the rows as they are, or none to those without `interpret.view_internals`.

    To them a list is empty and a detail is 404, as if there were nothing: an answer of 403 would already tell.
    """
    if not request.user or not request.user.is_authenticated:  # the schema generator asks as nobody
        return queryset.none()
    return queryset if principal_of(request).sees_internals else queryset.none()
