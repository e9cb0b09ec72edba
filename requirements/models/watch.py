"""When each criterion was last looked at for each release, so that it is looked at again when its facts have moved."""

from __future__ import annotations

from django.db import models

from evidence.models import Release
from evidence.models.base import LABEL_LENGTH, StoredModel
from requirements.models.requirement import AcceptanceCriterion


class AssessmentWatch(StoredModel):
    """A criterion and a release that are assessed again as facts arrive (`services/due_assessments.py`)."""

    SYSTEM_PATH = "release__system"
    PII = "none"
    WORK_ROW = (
        "when a pair was looked at last, and who looks now; what was found is an Assessment, append-only"
    )

    criterion = models.ForeignKey(AcceptanceCriterion, on_delete=models.PROTECT, related_name="watches")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="assessment_watches")
    looked_at = models.DateTimeField(null=True)  # as of when; null: not yet
    wake_at = models.DateTimeField(null=True)  # when time alone may change what is found; null: never
    lease_until = models.DateTimeField(null=True)  # who looks now must be done by then
    worker = models.CharField(max_length=LABEL_LENGTH, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["criterion", "release"], name="requirements_watch_once"),
        ]
        verbose_name_plural = "assessment watches"

    def __str__(self) -> str:
        return f"{self.criterion} for {self.release}"
