"""What people say of answers that a judge scored. A changed mind is a new row; the newest of each person counts."""

from __future__ import annotations

from django.db import models

from evidence.models.base import LABEL_LENGTH, AppendOnlyModel, actor_field, digest_field
from evidence.models.evals import EvalRun


class LabelSet(AppendOnlyModel):
    """What one person says of answers of one eval run, as they sent it at once."""

    class MadeFrom(models.TextChoices):
        SHEET = "sheet"  # said of the answers as labels
        DECISIONS = "decisions"  # of that person's reviews, by `selectors.desk_labels`
        CLAIMS = "claims"  # what they said of each claim in those

    SYSTEM_PATH = "run__system"
    PII = "actor"
    EVENT_PATH = ""

    run = models.ForeignKey(EvalRun, on_delete=models.PROTECT, related_name="label_sets")
    digest = digest_field()  # of the labels, in the order of their ids
    labelled_by = actor_field()  # a person, never a token
    made_from = models.CharField(max_length=10, choices=MadeFrom.choices, db_default=MadeFrom.SHEET)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"labels {self.pk} of {self.run.run_key}"


class Label(AppendOnlyModel):
    """What a person says that one answer is worth under one metric, in the metric's unit."""

    SYSTEM_PATH = "label_set__run__system"
    PII = "none"
    EVENT_PATH = "label_set"

    label_set = models.ForeignKey(LabelSet, on_delete=models.PROTECT, related_name="labels")
    sample_id = models.CharField(max_length=LABEL_LENGTH)
    metric = models.CharField(max_length=LABEL_LENGTH)
    value = models.FloatField(null=True)  # in the metric's unit; None: the person cannot tell

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["label_set", "metric", "sample_id"], name="evidence_label_once")
        ]
