"""Who did what, when."""

from __future__ import annotations

from rest_framework import serializers

from evidence.api.reading import ScopedList
from evidence.models import AuditEvent


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
