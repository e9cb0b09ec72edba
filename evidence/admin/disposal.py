"""What was taken out of the store."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.filters import related
from evidence.admin.frame.trace_search import TraceIdSearch
from evidence.admin.frame.visibility import visible
from evidence.models import (
    BlobRemoval,
    Disposal,
    DisposedRows,
    Erasure,
    ErasureCertificate,
)


@admin.register(Erasure)
class ErasureAdmin(TraceIdSearch):
    list_display = ["trace_id", "system", "reason", "erased_by", "n_spans", "erased_at"]
    list_filter = [related("system")]
    list_select_related = ["system"]
    ordering = ["-id"]
    chain = [
        ChainLink("Its certificate", "evidence.erasurecertificate", "erasure__id__exact"),
        ChainLink("What is left of the trace", "evidence.trace", "trace_id__exact", "trace_id", "system_id"),
    ]


@admin.register(ErasureCertificate)
class ErasureCertificateAdmin(ReadOnlyModelAdmin):
    list_display = ["erasure", "digest", "created_at"]
    list_filter = [related("erasure__system")]
    list_select_related = ["erasure"]
    ordering = ["-id"]


@admin.register(Disposal)
class DisposalAdmin(ReadOnlyModelAdmin):
    list_display = ["subject", "kind", "period_from", "period_to", "n_items", "reason", "disposed_at"]
    list_filter = ["kind"]
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return all: a month of spans is that of every system, and the record names none."""
        del request
        return Disposal.objects.all()


@admin.register(DisposedRows)
class DisposedRowsAdmin(ReadOnlyModelAdmin):
    list_display = ["disposal", "bound_in", "bucket"]
    list_defer = ["leaves"]
    list_select_related = ["disposal"]
    ordering = ["-id"]
    fields = ["disposal", "bound_in", "bucket"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return all: they hold hashes alone."""
        del request
        return DisposedRows.objects.all()


@admin.register(BlobRemoval)
class BlobRemovalAdmin(ReadOnlyModelAdmin):
    list_display = ["blob_id", "remainder_id", "erasure", "disposal", "removed_by", "created_at"]
    list_select_related = ["erasure", "disposal"]
    ordering = ["-created_at", "blob"]
    fields = ["blob_id", "remainder_id", "erasure", "disposal", "removed_by", "created_at"]
    readonly_fields = ["blob_id", "remainder_id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return what retention removed, and what went with an erasure the person may see."""
        seen = visible(Erasure.objects.all(), request)
        return BlobRemoval.objects.filter(Q(erasure__isnull=True) | Q(erasure__in=seen))
