"""Trace ids in requests and answers: 32 hexadecimal characters, and of lists also those that begin so."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from evidence.trace_ids import TRACE_ID_PATTERN, NoTraceId, bounds_of


@extend_schema_field({"type": "string", "pattern": TRACE_ID_PATTERN})
class TraceIdField(serializers.UUIDField):
    """A trace id. One with hyphens is read too, and written without."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="hex", **kwargs)


class _BeginningField(forms.CharField):
    """The beginning of a trace id, as the least and the greatest that begin so."""

    default_error_messages: ClassVar[dict[str, Any]] = {}

    def to_python(self, value: Any) -> tuple[UUID, UUID] | None:  # type: ignore[override]  # a field reads what it likes
        """Read it. Raises `ValidationError` for anything else."""
        text = super().to_python(value)
        try:
            return bounds_of(text) if text else None
        except NoTraceId as exc:
            raise ValidationError(str(exc), code="no_trace_id") from exc


class TraceIdFilter(django_filters.CharFilter):
    """Rows of a trace, or of all whose id begins so."""

    field_class = _BeginningField

    def __init__(self, field_name: str = "trace_id", **kwargs: Any) -> None:
        super().__init__(field_name, **{"help_text": "A trace id, or how it begins."} | kwargs)

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        """Narrow by index, which holds ids in their order."""
        if not value:
            return qs
        return qs.filter(**{f"{self.field_name}__range": value})
