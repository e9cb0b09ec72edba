"""Doubts that evidence against a system opens, and what named persons answer. Neither changes what a gate says."""

from __future__ import annotations

from datetime import date

from django.db import models

from evidence.models.artefact import Release
from evidence.models.base import AppendOnlyModel, actor_field
from evidence.models.item import Evidence


class Defeater(AppendOnlyModel):
    """A doubt that stands against releases of a system until a named person answers it: one for each counter item.

    Where it stands, and against what, is in `evidence.selectors.defeaters`.
    """

    SYSTEM_PATH = "evidence__system"
    PII = "none"
    EVENT_PATH = ""

    evidence = models.OneToOneField(Evidence, on_delete=models.PROTECT, related_name="defeater")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="defeaters")  # it arose on
    opened_at = models.DateTimeField()

    class Meta:
        verbose_name = "doubt"

    def __str__(self) -> str:
        return f"doubt {self.pk}"

    @property
    def opened_on(self) -> date:
        """The day, UTC. People who see no finding are told no moment: it would tell when a worker ended."""
        return self.opened_at.date()


class DefeaterAnswer(AppendOnlyModel):
    """What a named person says to a doubt. A correction is a new answer that names the one it takes the place of."""

    class Kind(models.TextChoices):
        REBUTTED = "rebutted"  # evidence shows that the doubt does not hold
        MITIGATED = "mitigated"  # something was changed, so that it no longer matters
        ACCEPTED = "accepted"  # it holds, and the residual risk is taken, until a time or without one
        REOPENED = "reopened"  # the answer before does not hold

    SYSTEM_PATH = "defeater__evidence__system"
    PII = "actor"
    EVENT_PATH = ""

    defeater = models.ForeignKey(Defeater, on_delete=models.PROTECT, related_name="answers")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    words = models.TextField()
    answered_by = actor_field()  # a person, never a token
    expires_at = models.DateTimeField(null=True)  # of an acceptance: from then on the doubt stands again
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "answer to a doubt"
        verbose_name_plural = "answers to doubts"
        constraints = [
            # With the one-to-one above: two who answer at once do not both stand.
            models.UniqueConstraint(
                fields=["defeater"],
                condition=models.Q(replaces=None),
                name="evidence_defeateranswer_first_once",
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at=None) | models.Q(kind="accepted"),
                name="evidence_defeateranswer_only_acceptance_ends",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="reopened") | models.Q(replaces__isnull=False),
                name="evidence_defeateranswer_reopens_an_answer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.defeater}"
