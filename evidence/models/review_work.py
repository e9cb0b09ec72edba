"""Who is given what of the queue of answers: what somebody can judge, pauses, and the filters they keep."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from evidence.models.base import KEY_LENGTH, MEMBERS, StoredModel, actor_field
from evidence.models.review_queue import LANGUAGE_LENGTH
from evidence.models.system import System
from evidence.vocabulary import RiskTier


class ReviewerSkill(StoredModel):
    """A person can judge the answers of a system, in one language or in any. Who has none is given everything."""

    SYSTEM_PATH = "system"
    PII = "actor"
    WORK_ROW = "what somebody is given to judge changes; each change is an audit event"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reviewer_skills"
    )
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    language = models.CharField(max_length=LANGUAGE_LENGTH, blank=True)  # "de"; empty: any
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "system", "language"], name="evidence_reviewerskill_once")
        ]


class ReviewerPause(StoredModel):
    """A reviewer is given nothing until a time, at most: they end it themselves."""

    SYSTEM_PATH = MEMBERS
    PII = "actor"
    WORK_ROW = "it is ended when its person is back; beginning and end are audit events"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reviewer_pause"
    )
    until = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)


class QueuePause(StoredModel):
    """Nothing of a system is given to anybody until an operator ends it. Due times stay."""

    SYSTEM_PATH = "system"
    PII = "actor"
    WORK_ROW = "it is ended when the queue goes on; beginning, reason and end are audit events"

    system = models.OneToOneField(System, on_delete=models.PROTECT, related_name="queue_pause")
    reason = models.TextField()
    paused_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)


class SavedFilter(StoredModel):
    """A way to look at the queue that one person has named. It is theirs alone."""

    SYSTEM_PATH = MEMBERS
    PII = "actor"
    WORK_ROW = "a person's own way to look at a list: no evidence of anything"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters")
    name = models.CharField(max_length=KEY_LENGTH)
    standing = models.CharField(max_length=20, blank=True)  # of `selectors.review_tasks.TaskStanding`
    system = models.ForeignKey(System, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    risk_tier = models.CharField(max_length=10, choices=RiskTier.choices(), blank=True)
    reason = models.CharField(max_length=KEY_LENGTH, blank=True)
    language = models.CharField(max_length=LANGUAGE_LENGTH, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="evidence_savedfilter_once")]

    def __str__(self) -> str:
        return self.name
