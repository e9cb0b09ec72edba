"""How a system says that its traces are read: steps of the versions of that."""

from __future__ import annotations

from django.db import models

from evidence.models.artefact import ArtefactVersion
from evidence.models.base import AppendOnlyModel, actor_field


class ReadingState(models.TextChoices):
    """Where a version of a system's reading stands; traces are read by the one approved last."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class ReadingTransition(AppendOnlyModel):
    """A version of a system's reading was proposed, approved, declined or withdrawn: by whom, why, when."""

    SYSTEM_PATH = "version__artefact__system"
    PII = "actor"
    EVENT_PATH = "version"

    version = models.ForeignKey(ArtefactVersion, on_delete=models.PROTECT, related_name="reading_transitions")
    to_state = models.CharField(max_length=15, choices=ReadingState.choices)
    by = actor_field()
    reason = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version"],
                condition=models.Q(to_state=ReadingState.APPROVED),
                name="evidence_readingtransition_approved_once",
            ),
        ]
