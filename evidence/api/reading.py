"""What every list and detail view shares: the scope, the narrowing to one's systems, filters, keyset pages."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from django.db import models
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView

from evidence.access import principal_of, visible_to
from evidence.api.scoped_view import ScopedView
from evidence.models import Scope

_M = TypeVar("_M", bound=models.Model)


class _ScopedReading(ScopedView, GenericAPIView[_M]):
    """Narrows whatever `queryset` names to the systems of whoever asks."""

    scopes: ClassVar[dict[str, Scope | tuple[Scope, ...]]] = {"GET": Scope.READ}
    filter_backends = [DjangoFilterBackend]

    def get_queryset(self) -> models.QuerySet[_M]:
        """Return the rows the principal may see."""
        if getattr(self, "swagger_fake_view", False):  # the schema generator asks as nobody
            return super().get_queryset().none()
        return visible_to(super().get_queryset(), principal_of(self.request))


class ScopedList(_ScopedReading[_M], ListAPIView[_M]):
    """A list, newest first, by keyset cursor."""


class ScopedDetail(_ScopedReading[_M], RetrieveAPIView[_M]):
    """One row; 404 also where it is somebody else's."""
