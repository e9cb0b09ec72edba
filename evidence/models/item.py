"""Evidence items: what something is put forward as, for which versions, and until when it holds."""

from __future__ import annotations

from django.db import models

from evidence.models.artefact import ArtefactVersion
from evidence.models.base import KEY_LENGTH, LABEL_LENGTH, AppendOnlyModel, actor_field, digest_field
from evidence.models.system import System
from evidence.vocabulary import Layer


class Role(models.TextChoices):
    PRIMARY = "primary"
    SUPPORTING = "supporting"
    COUNTER = "counter"
    CONTEXT = "context"


class Evidence(AppendOnlyModel):
    """One item put forward, with an owner, a cadence and four dates that are never mixed."""

    SYSTEM_PATH = "system"
    PII = "actor"
    EVENT_PATH = ""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="evidence_items")
    layer = models.CharField(max_length=15, choices=Layer.choices())
    role = models.CharField(max_length=15, choices=Role.choices)
    kind = models.CharField(max_length=KEY_LENGTH)  # "eval_run", "finding", "gate_decision"
    title = models.CharField(max_length=LABEL_LENGTH)
    source = models.CharField(max_length=LABEL_LENGTH)  # "<app.Model>:<pk>", what it points at
    digest = digest_field()  # of what it points at
    owner = actor_field()
    review_every_days = models.PositiveIntegerField()
    observed_from = models.DateTimeField()
    observed_to = models.DateTimeField()
    collected_at = models.DateTimeField()
    received_at = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)
    summary = models.JSONField(default=dict)  # statistic, interval, limits in words; never raw internals

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [
            models.UniqueConstraint(fields=["system", "source", "digest"], name="evidence_evidence_once"),
            # Invariant 7, in the database: no code path can put a mechanistic finding forward as primary.
            models.CheckConstraint(
                condition=~models.Q(layer="mechanistic") | models.Q(role__in=["supporting", "counter"]),
                name="evidence_mechanistic_never_primary",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class EvidenceLink(AppendOnlyModel):
    """The version an evidence item was measured on. Another version makes the item stale."""

    SYSTEM_PATH = "evidence__system"
    PII = "none"
    EVENT_PATH = "evidence"

    evidence = models.ForeignKey(Evidence, on_delete=models.PROTECT, related_name="links")
    slot = models.CharField(max_length=LABEL_LENGTH)  # as in ReleasePin
    version = models.ForeignKey(ArtefactVersion, on_delete=models.PROTECT, related_name="evidence_links")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["evidence", "slot", "version"], name="evidence_evidencelink_once"
            ),
        ]
