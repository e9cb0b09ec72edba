"""Requests received, and the ledger of what was refused in them."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from evidence.api.filtering import FilterSet, MomentFilter, TruthFilter
from evidence.api.reading import ScopedList
from evidence.models import IngestBatch, Reject, System


class BatchOut(serializers.ModelSerializer[IngestBatch]):
    """A received request."""

    class Meta:
        model = IngestBatch
        fields = [
            "id", "signal", "encoding", "body_digest", "n_items", "n_accepted", "n_duplicate", "n_rejected",
            "answer", "received_at",
        ]  # fmt: skip


class BatchFilter(FilterSet):
    """Narrow a list of requests."""

    system = django_filters.CharFilter(
        method="by_system", help_text="That held items of it; a request may hold items of several."
    )
    since = MomentFilter("received_at", "gte")
    until = MomentFilter("received_at", "lt")
    rejected = TruthFilter(method="by_rejected", help_text="Whether something was refused.")

    class Meta:
        model = IngestBatch
        fields = ["signal", "encoding", "body_digest"]

    def by_system(self, queryset: QuerySet[IngestBatch], name: str, value: str) -> QuerySet[IngestBatch]:
        """Requests that held items of one system, or that may have."""
        del name
        found = System.objects.filter(key=value).values_list("pk", flat=True)
        return queryset.filter(system_ids__overlap=list(found))

    def by_rejected(self, queryset: QuerySet[IngestBatch], name: str, value: bool) -> QuerySet[IngestBatch]:  # noqa: FBT001  # django-filter's call
        """Requests of which something, or nothing, was refused."""
        del name
        return queryset.filter(n_rejected__gt=0) if value else queryset.filter(n_rejected=0)


class BatchList(ScopedList[IngestBatch]):
    """Requests received, newest first."""

    queryset = IngestBatch.objects.all()
    serializer_class = BatchOut
    filterset_class = BatchFilter


class RejectOut(serializers.ModelSerializer[Reject]):
    """A refused item and why."""

    system = serializers.CharField(source="system.key")

    class Meta:
        model = Reject
        fields = [
            "id", "system", "batch", "source", "source_ref", "code", "detail", "trace_id", "span_id", "item_digest",
            "item", "created_at",
        ]  # fmt: skip


class RejectFilter(FilterSet):
    """Narrow the reject ledger."""

    system = django_filters.CharFilter("system__key")
    since = MomentFilter("created_at", "gte")
    until = MomentFilter("created_at", "lt")

    class Meta:
        model = Reject
        fields = ["source", "code", "trace_id", "span_id", "batch"]


class RejectList(ScopedList[Reject]):
    """The reject ledger, newest first."""

    queryset = Reject.objects.select_related("system")
    serializer_class = RejectOut
    filterset_class = RejectFilter
