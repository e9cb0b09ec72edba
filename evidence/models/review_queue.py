"""Which answers wait for people, who is at one, and what they are about to say of it; what was said is in `review`.

All of it changes and goes.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import models

from evidence.models.base import StoredModel
from evidence.models.review import ReviewTask
from evidence.models.system import System
from evidence.models.trace import Trace

LANGUAGE_LENGTH: Final = 8  # characters of the first subtag of a BCP 47 tag


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
    # The day of `due_at`, UTC; null: the row is of a server of before, which wrote neither this nor the two below.
    due_on = models.DateField(null=True)
    reason_rank = models.PositiveSmallIntegerField(db_default=1)  # 0 is drawn by a sampling plan
    due_at = models.DateTimeField()
    language = models.CharField(max_length=LANGUAGE_LENGTH, blank=True, db_default="")  # empty: unknown
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    held_until = models.DateTimeField(null=True)  # after which anybody may take it
    # False: nobody has judged the answer, in whichever revision. True says nothing: ask the reviews.
    may_have_reviews = models.BooleanField(default=True, db_default=True)

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
                fields=["system", "stage", "risk_rank", "due_on", "reason_rank", "due_at", "task"],
                name="evidence_queuedtask_next",
            ),
            models.Index(
                fields=["held_by"], condition=models.Q(held_by__isnull=False), name="evidence_queuedtask_held"
            ),
            models.Index(
                fields=["system"],
                condition=models.Q(may_have_reviews=True),
                name="evidence_queuedtask_judged",
            ),
        ]


class ReviewDraft(StoredModel):
    """What one person is about to say of an answer: as they write it, and decided until it is on record.

    It is theirs alone: no role and no door shows it to anybody else.
    """

    SYSTEM_PATH = "trace__system"
    PII = "payload"
    WORK_ROW = "what somebody writes changes until they decide; then it goes, and what they said is a Review"

    trace = models.ForeignKey(Trace, on_delete=models.PROTECT, related_name="+")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # What it is to become: a review, or how a disagreement is settled.
    stage = models.CharField(
        max_length=10, choices=QueuedTask.Stage.choices, db_default=QueuedTask.Stage.JUDGE
    )
    said = models.JSONField()  # as `reviews.record_review` takes it, or `reviews.adjudicate`
    saved_at = models.DateTimeField()
    written_in = models.CharField(
        max_length=36, blank=True, db_default="", default=""
    )  # the opened page that saved it last
    takes_effect_at = models.DateTimeField(null=True)  # decided; null: still written
    refusal = models.TextField(blank=True)  # why it could not be put on record when its time had come

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trace", "reviewer"], name="evidence_reviewdraft_one_per_person"),
        ]
        indexes = [
            models.Index(
                fields=["takes_effect_at"],
                condition=models.Q(takes_effect_at__isnull=False),
                name="evidence_reviewdraft_decided",
            ),
        ]
