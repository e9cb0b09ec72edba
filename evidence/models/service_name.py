"""Which services send the spans of a system, beside the one that has its key."""

from __future__ import annotations

from django.db import models

from evidence.models.base import LABEL_LENGTH, AppendOnlyModel, actor_field
from evidence.models.system import System


class ServiceName(AppendOnlyModel):
    """An operator's word that the service of this name is part of a system, or is no more. The latest row stands."""

    SYSTEM_PATH = "system"
    PII = "actor"
    EVENT_PATH = ""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="service_names")
    name = models.CharField(max_length=LABEL_LENGTH)  # as its resource says: OpenTelemetry's service.name
    is_part = models.BooleanField()  # whether its spans are the system's from here on
    declared_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["name", "system", "-id"], name="evidence_servicename_latest")]

    def __str__(self) -> str:
        return f"service {self.name} {'of' if self.is_part else 'no more of'} {self.system}"
