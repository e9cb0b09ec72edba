"""Which review tasks wait for people, and who holds one: rows that change and go; what was said is in `review`."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from evidence.models.base import StoredModel
from evidence.models.review import ReviewTask
from evidence.models.system import System


class QueuedTask(StoredModel):
    """A review task that waits for people. `selectors.review_tasks.with_standing` says which do; no other has a row."""

    class Stage(models.TextChoices):
        JUDGE = "judge"  # fewer reviews than asked for
        SETTLE = "settle"  # the reviews disagree

    SYSTEM_PATH = "system"
    PII = "none"
    WORK_ROW = "a place in a queue: who holds it changes, and it goes when nothing waits; what was decided is a Review"

    task = models.OneToOneField(ReviewTask, on_delete=models.PROTECT, primary_key=True, related_name="queued")
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    stage = models.CharField(max_length=10, choices=Stage.choices)
    risk_rank = models.PositiveSmallIntegerField()  # 0 is high: the order of the queue
    due_at = models.DateTimeField()
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    held_until = models.DateTimeField(null=True)  # after which anybody may take it

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(held_by__isnull=True, held_until__isnull=True)
                | models.Q(held_by__isnull=False, held_until__isnull=False),
                name="evidence_queuedtask_held_until",
            ),
        ]
        indexes = [
            models.Index(
                fields=["system", "stage", "risk_rank", "due_at", "task"], name="evidence_queuedtask_order"
            ),
            models.Index(
                fields=["held_by"], condition=models.Q(held_by__isnull=False), name="evidence_queuedtask_held"
            ),
        ]
