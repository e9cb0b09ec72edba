"""Evidence items: what is put forward, in which role, until when."""

from __future__ import annotations

from rest_framework import serializers

from evidence.api.reading import ScopedList
from evidence.models import Evidence


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
