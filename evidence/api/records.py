"""Lists of what came in and what is on record: batches, rejects, versions, evidence items, audit events."""

from __future__ import annotations

import django_filters
from rest_framework import serializers

from evidence.api.reading import ScopedList
from evidence.api.traces import CitationOut
from evidence.models import ArtefactVersion, AuditEvent, Citation, Evidence, IngestBatch, Reject


class BatchOut(serializers.ModelSerializer[IngestBatch]):
    """A received request."""

    class Meta:
        model = IngestBatch
        fields = [
            "id", "signal", "encoding", "body_digest", "n_items", "n_accepted", "n_duplicate", "n_rejected",
            "answer", "received_at",
        ]  # fmt: skip


class BatchList(ScopedList[IngestBatch]):
    """Requests received, newest first."""

    queryset = IngestBatch.objects.all()
    serializer_class = BatchOut
    filterset_fields = ["signal", "encoding", "body_digest"]


class RejectOut(serializers.ModelSerializer[Reject]):
    """A refused item and why."""

    system = serializers.CharField(source="system.key")

    class Meta:
        model = Reject
        fields = [
            "id", "system", "batch", "source", "source_ref", "code", "detail", "trace_id", "span_id", "item_digest",
            "item", "created_at",
        ]  # fmt: skip


class RejectList(ScopedList[Reject]):
    """The reject ledger, newest first."""

    queryset = Reject.objects.select_related("system")
    serializer_class = RejectOut
    filterset_fields = ["source", "code", "trace_id", "span_id"]


class VersionFilter(django_filters.FilterSet):
    """Narrow a list of versions; `registered=false` is the to-register list."""

    system = django_filters.CharFilter("artefact__system__key")
    kind = django_filters.CharFilter("artefact__kind")
    key = django_filters.CharFilter("artefact__key")
    registered = django_filters.BooleanFilter("registration", lookup_expr="isnull", exclude=True)

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
