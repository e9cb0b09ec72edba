"""What people were asked to judge, and how they judged it. The machine's verdict stays beside theirs."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from evidence.models.artefact import ArtefactVersion
from evidence.models.base import KEY_LENGTH, AppendOnlyModel, ErasableModel, token_prefix_field
from evidence.models.claim import Claim
from evidence.models.system import System
from evidence.models.trace import Trace
from evidence.vocabulary import RiskTier


class ReviewTask(AppendOnlyModel):
    """A trace that a person should look at. Until when it is open: `selectors.review_tasks`."""

    SYSTEM_PATH = "system"
    PII = "none"
    EVENT_PATH = ""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="review_tasks")
    trace = models.OneToOneField(Trace, on_delete=models.PROTECT, related_name="review_task")
    reason = models.CharField(max_length=KEY_LENGTH)  # "high_risk", "policy_escalation", "citation_not_found"
    risk_tier = models.CharField(max_length=10, choices=RiskTier.choices())
    reviews_required = models.PositiveSmallIntegerField(default=1)  # people
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["system", "due_at"], name="evidence_reviewtask_queue")]


class ReasonCode(models.TextChoices):
    """Why a person did not simply approve. Rates are reported by these."""

    NONE = "", "no reason needed"
    WRONG_FACT = "wrong_fact"
    UNSUPPORTED_CLAIM = "unsupported_claim"
    WRONG_CITATION = "wrong_citation"
    MISSING_LIMITATION = "missing_limitation"
    POLICY_BREACH = "policy_breach"
    UNFAIR_TREATMENT = "unfair_treatment"
    UNCLEAR = "unclear"
    OTHER = "other"


class Review(ErasableModel):
    """One person's judgement of one trace revision."""

    class Decision(models.TextChoices):
        APPROVE = "approve"
        OVERRIDE = "override"
        REJECT = "reject"
        ESCALATE = "escalate"

    SYSTEM_PATH = "task__system"
    PII = "payload"
    EVENT_PATH = ""

    task = models.ForeignKey(ReviewTask, on_delete=models.PROTECT, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    reason_code = models.CharField(max_length=30, choices=ReasonCode.choices, blank=True)
    # Of the system's own list, in the version it stood in: closer than its kind, which is the code above.
    reason = models.CharField(max_length=30, blank=True, db_default="")
    reasons_version = models.ForeignKey(
        ArtefactVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    rationale = models.TextField(blank=True)
    corrected_answer = models.TextField(blank=True)
    machine_verdict = models.JSONField()  # citation verdicts and policy decisions as the reviewer saw them
    token_prefix = token_prefix_field()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "reviewer"], name="evidence_review_one_per_person"),
            models.CheckConstraint(
                condition=models.Q(decision="approve") | ~models.Q(reason_code=""),
                name="evidence_review_reason_unless_approved",
            ),
        ]


class ClaimJudgement(AppendOnlyModel):
    """What one reviewer says of one claim of the answer, beside the verdicts on its citations."""

    class Judgement(models.TextChoices):
        STANDS = "stands"
        DOES_NOT_STAND = "does_not_stand"
        CANNOT_TELL = "cannot_tell"

    SYSTEM_PATH = "review__task__system"
    PII = "none"
    EVENT_PATH = "review"

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="claim_judgements")
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="judgements")
    judgement = models.CharField(max_length=20, choices=Judgement.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["review", "claim"], name="evidence_claimjudgement_once"),
        ]


class Adjudication(ErasableModel):
    """Reviewers disagreed; this is who settled it, and how."""

    SYSTEM_PATH = "task__system"
    PII = "payload"
    EVENT_PATH = ""

    task = models.OneToOneField(ReviewTask, on_delete=models.PROTECT, related_name="adjudication")
    adjudicator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="adjudications"
    )
    decision = models.CharField(max_length=10, choices=Review.Decision.choices)
    rationale = models.TextField()
    corrected_answer = models.TextField(blank=True, db_default="")
    token_prefix = token_prefix_field()
    created_at = models.DateTimeField(auto_now_add=True)
