"""What every list and detail view shares: the scope, the narrowing to one's systems, filters, keyset pages."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from django.db import models
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.request import Request

from evidence.access import principal_of, visible_to
from evidence.api.filtering import StrictFilterBackend
from evidence.api.inputs import check_parameters
from evidence.api.pagination import KeysetPagination
from evidence.api.scoped_view import ScopedView, method_of
from evidence.limits import check_count
from evidence.models import Scope
from evidence.worded import worded

_M = TypeVar("_M", bound=models.Model)


class _ScopedReading(ScopedView, GenericAPIView[_M]):
    """Narrows whatever `queryset` names to the systems of whoever asks."""

    scopes: ClassVar[dict[str, Scope | tuple[Scope, ...]]] = {"GET": Scope.READ}
    filter_backends = [StrictFilterBackend]

    def get_queryset(self) -> models.QuerySet[_M]:
        """Return the rows the principal may see."""
        if getattr(self, "swagger_fake_view", False):  # the schema generator asks as nobody
            return super().get_queryset().none()
        return visible_to(super().get_queryset(), principal_of(self.request))


class ScopedList(_ScopedReading[_M], ListAPIView[_M]):
    """A list, newest first, by keyset cursor."""

    def read_query(self, request: Request) -> dict[str, Any]:
        """Check the names of a list's parameters; filters and pages check their values when they are applied."""
        if method_of(request) != "GET":
            return super().read_query(request)
        filters = StrictFilterBackend().filters_of(self)
        repeatable = {name for name, each in filters.items() if getattr(each, "repeats", False)}
        check_parameters(
            request.query_params, {*filters, *KeysetPagination.PARAMETERS}, repeatable=repeatable
        )
        for name in repeatable:
            check_count(
                len(request.query_params.getlist(name)),
                "MAX_REPEATED_FILTERS",
                worded("The values of %(name)s", name=name),
            )
        return {}


class ScopedDetail(_ScopedReading[_M], RetrieveAPIView[_M]):
    """One row; 404 also where it is somebody else's."""
