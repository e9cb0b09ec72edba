"""Gold answers: closed ones of which somebody says what is right, given to reviewers again to see how they judge."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from evidence.models.artefact import ArtefactVersion
from evidence.models.base import (
    AppendOnlyModel,
    ErasableModel,
    StoredModel,
    actor_field,
    digest_field,
    token_prefix_field,
)
from evidence.models.review import ReasonCode, Review, ReviewTask
from evidence.models.system import System


class GoldAnswer(ErasableModel):
    """What is right of an answer, or, withdrawn, that it is gold no more. Of several for one answer the last counts.

    It is hidden from reviewers until they judged it (`selectors.gold.gold_shown_to`).
    """

    SYSTEM_PATH = "task__system"
    PII = "payload"
    EVENT_PATH = ""

    task = models.ForeignKey(ReviewTask, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()  # from 1, of the answer
    right = models.JSONField()  # decisions that are right, in the order of `Review.Decision`; withdrawn: none
    rationale = models.TextField()  # why; withdrawn: why it is gold no more
    is_withdrawn = models.BooleanField(default=False)
    made_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "number"], name="evidence_goldanswer_number"),
            models.CheckConstraint(
                condition=models.Q(is_withdrawn=True, right=[])
                | (models.Q(is_withdrawn=False) & ~models.Q(right=[])),
                name="evidence_goldanswer_right_unless_withdrawn",
            ),
        ]

    def __str__(self) -> str:
        return f"gold answer {self.pk}"


class GoldDraw(AppendOnlyModel):
    """A secret for the next draw of a reviewer in a system; and, but for the first, what the secret before it drew.

    So when and what is drawn next is settled, and in the log, before the reviewer judges what decides on its time.
    """

    SYSTEM_PATH = "system"
    PII = "actor"
    EVENT_PATH = ""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()  # from 0, of this reviewer in this system
    gold = models.ForeignKey(GoldAnswer, on_delete=models.PROTECT, null=True, related_name="+")  # drawn
    among = models.JSONField()  # keys of the gold answers that it could have been, ascending
    reviews_before = models.PositiveIntegerField()  # that the reviewer had recorded in the system
    seed = digest_field()  # 32 random bytes, hexadecimal: of the draw after this one
    every = models.PositiveIntegerField()  # reviews to one gold answer, on average, until the next draw
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "reviewer", "number"], name="evidence_golddraw_number"),
            models.CheckConstraint(
                condition=models.Q(number=0, gold__isnull=True) | models.Q(number__gt=0, gold__isnull=False),
                name="evidence_golddraw_first_draws_none",
            ),
        ]

    def __str__(self) -> str:
        return f"gold draw {self.pk}"


class GoldTask(StoredModel):
    """A closed task that is open again to one person, who was given its answer as gold and has not judged it yet."""

    SYSTEM_PATH = "task__system"
    PII = "actor"
    WORK_ROW = "it goes once its person has judged, or can no more; that it was drawn is a GoldDraw"

    task = models.OneToOneField(ReviewTask, on_delete=models.PROTECT, primary_key=True, related_name="+")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    draw = models.OneToOneField(GoldDraw, on_delete=models.PROTECT, related_name="+")


class GoldJudgement(ErasableModel):
    """What a reviewer said of a gold answer. It is no `Review`: no check, gate, label or agreement counts it."""

    SYSTEM_PATH = "task__system"
    PII = "payload"
    EVENT_PATH = ""

    draw = models.OneToOneField(GoldDraw, on_delete=models.PROTECT, related_name="judgement")
    task = models.ForeignKey(ReviewTask, on_delete=models.PROTECT, related_name="+")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=10, choices=Review.Decision.choices)
    reason_code = models.CharField(max_length=30, choices=ReasonCode.choices, blank=True)
    reason = models.CharField(max_length=30, blank=True)  # as of a `Review`
    reasons_version = models.ForeignKey(
        ArtefactVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    rationale = models.TextField(blank=True)
    corrected_answer = models.TextField(blank=True)
    claims = models.JSONField()  # {ordinal: a `ClaimJudgement.Judgement`}
    machine_verdict = models.JSONField()  # as of a `Review`
    token_prefix = token_prefix_field()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "reviewer"], name="evidence_goldjudgement_one_per_person")
        ]
