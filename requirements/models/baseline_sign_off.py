"""That somebody agreed to a baseline."""

from __future__ import annotations

from django.db import models

from evidence.models.base import AppendOnlyModel, actor_field, digest_field
from requirements.models.requirement import Baseline


class BaselineSignOff(AppendOnlyModel):
    """A second person agreed to a baseline as it is frozen: who, to which digest, why, when."""

    SYSTEM_PATH = "baseline__system"
    PII = "actor"
    EVENT_PATH = ""

    baseline = models.ForeignKey(Baseline, on_delete=models.PROTECT, related_name="sign_offs")
    digest = digest_field()  # of the baseline, as it was read
    reason = models.TextField(blank=True)
    signed_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["baseline", "signed_by"], name="requirements_sign_off_once")
        ]

    def __str__(self) -> str:
        return f"{self.baseline}, signed off"
