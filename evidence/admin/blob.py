"""Blobs: digest and size, never their bytes."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.visibility import rows_of, visible
from evidence.models import ArtefactVersion, Binder, Blob, EvalRun


@admin.register(Blob)
class BlobAdmin(ReadOnlyModelAdmin):
    list_units = {"size": gettext_lazy("bytes")}
    list_display = ["digest", "size", "media_type", "created_at"]
    search_fields = ["=digest"]
    ordering = ["digest"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return blobs that something visible points at: a blob belongs to no system by itself."""
        pointers = [(ArtefactVersion, "blob"), (EvalRun, "raw"), (Binder, "archive")]
        reached = Q()
        for model, column in pointers:
            rows = visible(rows_of(model), request)
            reached |= Q(Exists(rows.filter(**{column: OuterRef("pk")})))
        return Blob.objects.filter(reached)
