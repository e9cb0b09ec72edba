"""Lists of what came in and what is on record: batches, rejects, versions, evidence items, audit events."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from evidence.api.reading import ScopedList
from evidence.api.traces import CitationOut
from evidence.models import AccessToken, ArtefactVersion, AuditEvent, Citation, Evidence, IngestBatch, Reject


class BatchOut(serializers.ModelSerializer[IngestBatch]):
    """A received request."""

    class Meta:
        model = IngestBatch
        fields = [
            "id", "signal", "encoding", "body_digest", "n_items", "n_accepted", "n_duplicate", "n_rejected",
            "answer", "received_at",
        ]  # fmt: skip


class BatchFilter(django_filters.FilterSet):
    """Narrow a list of requests."""

    system = django_filters.CharFilter(
        method="by_system", help_text="Of tokens that may write to it; a request may hold several systems."
    )
    since = django_filters.IsoDateTimeFilter("received_at", "gte")
    until = django_filters.IsoDateTimeFilter("received_at", "lt")
    rejected = django_filters.BooleanFilter(method="by_rejected", help_text="Whether something was refused.")

    class Meta:
        model = IngestBatch
        fields = ["signal", "encoding", "body_digest"]

    def by_system(self, queryset: QuerySet[IngestBatch], name: str, value: str) -> QuerySet[IngestBatch]:
        """Requests of the tokens of one system."""
        del name
        return queryset.filter(token__in=AccessToken.objects.filter(systems__key=value))

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


class RejectFilter(django_filters.FilterSet):
    """Narrow the reject ledger."""

    system = django_filters.CharFilter("system__key")
    since = django_filters.IsoDateTimeFilter("created_at", "gte")
    until = django_filters.IsoDateTimeFilter("created_at", "lt")

    class Meta:
        model = Reject
        fields = ["source", "code", "trace_id", "span_id", "batch"]


class RejectList(ScopedList[Reject]):
    """The reject ledger, newest first."""

    queryset = Reject.objects.select_related("system")
    serializer_class = RejectOut
    filterset_class = RejectFilter


class VersionFilter(django_filters.FilterSet):
    """Narrow a list of versions; `registered=false` is the to-register list."""

    system = django_filters.CharFilter("artefact__system__key")
    kind = django_filters.CharFilter("artefact__kind")
    key = django_filters.CharFilter("artefact__key")
    registered = django_filters.BooleanFilter("registration", lookup_expr="isnull", exclude=True)
    release = django_filters.CharFilter("release_pins__release__name")
    since = django_filters.IsoDateTimeFilter("created_at", "gte")
    until = django_filters.IsoDateTimeFilter("created_at", "lt")

    class Meta:
        model = ArtefactVersion
        fields = ["digest", "label"]


class VersionOut(serializers.ModelSerializer[ArtefactVersion]):
    """A version, and whether somebody vouches for it."""

    system = serializers.CharField(source="artefact.system.key")
    kind = serializers.CharField(source="artefact.kind")
    key = serializers.CharField(source="artefact.key")
    registered_by = serializers.CharField(source="registration.registered_by", default=None)

    class Meta:
        model = ArtefactVersion
        fields = [
            "id", "system", "kind", "key", "number", "label", "digest", "digest_basis", "registered_by",
            "created_at", "created_by",
        ]  # fmt: skip


class VersionList(ScopedList[ArtefactVersion]):
    """Artefact versions, newest first."""

    queryset = ArtefactVersion.objects.select_related("artefact__system", "registration")
    serializer_class = VersionOut
    filterset_class = VersionFilter


class CitationFilter(django_filters.FilterSet):
    """Narrow a list of citations."""

    system = django_filters.CharFilter("claim__trace__system__key")
    release = django_filters.CharFilter("claim__trace__release__name")
    since = django_filters.IsoDateTimeFilter("claim__trace__started_at", "gte")
    until = django_filters.IsoDateTimeFilter("claim__trace__started_at", "lt")
    document = django_filters.CharFilter("document__digest")

    class Meta:
        model = Citation
        fields = ["verdict"]


class CitationList(ScopedList[Citation]):
    """Citations with their verdicts, newest first."""

    queryset = Citation.objects.select_related("found_in")
    serializer_class = CitationOut
    filterset_class = CitationFilter


class EvidenceOut(serializers.ModelSerializer[Evidence]):
    """An evidence item. A mechanistic one shows words and intervals, never internals."""

    system = serializers.CharField(source="system.key")

    class Meta:
        model = Evidence
        fields = [
            "id", "system", "layer", "role", "kind", "title", "source", "digest", "owner", "review_every_days",
            "observed_from", "observed_to", "collected_at", "received_at", "valid_until", "summary",
        ]  # fmt: skip


class EvidenceList(ScopedList[Evidence]):
    """Evidence items, newest first. Mechanistic ones only for those who may see internals."""

    queryset = Evidence.objects.select_related("system")
    serializer_class = EvidenceOut
    filterset_fields = ["layer", "role", "kind"]


class AuditEventOut(serializers.ModelSerializer[AuditEvent]):
    """Who did what, when."""

    system = serializers.CharField(source="system.key")

    class Meta:
        model = AuditEvent
        fields = [
            "event_uuid", "system", "actor", "verb", "object_type", "object_id", "object_digest",
            "payload_commitment", "occurred_at",
        ]  # fmt: skip


class AuditEventList(ScopedList[AuditEvent]):
    """Audit events, newest first; those of `interpret` objects only for those who may see internals."""

    queryset = AuditEvent.objects.select_related("system")
    serializer_class = AuditEventOut
    filterset_fields = ["verb", "object_type", "object_id", "actor"]
