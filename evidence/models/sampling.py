"""Samples of a period's answers: planned before it ends, frozen after it, drawn by what nobody could choose."""

from __future__ import annotations

from django.db import models

from evidence.models.artefact import Release
from evidence.models.audit import Checkpoint
from evidence.models.base import AppendOnlyModel, actor_field, digest_field
from evidence.models.blob import Blob
from evidence.models.system import System
from evidence.vocabulary import RiskTier


class SamplingPlan(AppendOnlyModel):
    """What is to be shown of a period's answers by judging some of them. On record before the period ends."""

    class Strata(models.TextChoices):
        NONE = "", "none"
        RISK_TIER = "risk_tier"
        LANGUAGE = "language"
        RELEASE = "release"

    SYSTEM_PATH = "system"
    PII = "actor"
    EVENT_PATH = ""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="sampling_plans")
    release = models.ForeignKey(
        Release, on_delete=models.PROTECT, null=True, related_name="sampling_plans"
    )  # null: of all
    risk_tier = models.CharField(max_length=10, choices=RiskTier.choices(), blank=True)  # empty: of all
    period_from = models.DateTimeField()
    period_to = models.DateTimeField()  # the first moment that is not of it
    strata_field = models.CharField(max_length=20, choices=Strata.choices, blank=True)
    fewest_of_each = models.PositiveSmallIntegerField()  # answers of a stratum, where it has so many
    tolerable_rate = models.DecimalField(max_digits=5, decimal_places=4)  # of exceptions, in (0, 1)
    confidence = models.DecimalField(max_digits=5, decimal_places=4)  # of the one bound, in (0, 1)
    expected_exceptions = models.PositiveSmallIntegerField()  # that may be found, and the rate be shown
    digest = digest_field()  # of `evidence.sampling.plan_document`
    made_by = actor_field()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "digest"], name="evidence_samplingplan_content"),
            models.CheckConstraint(
                condition=models.Q(created_at__lt=models.F("period_to"))
                & models.Q(period_from__lt=models.F("period_to")),
                name="evidence_samplingplan_before_its_end",
            ),
        ]

    def __str__(self) -> str:
        return f"sampling plan {self.pk}"


class FrozenPopulation(AppendOnlyModel):
    """The answers of a plan's period, in the revisions that were the newest once it had ended. One for each plan."""

    SYSTEM_PATH = "plan__system"
    PII = "actor"
    EVENT_PATH = ""

    plan = models.OneToOneField(SamplingPlan, on_delete=models.PROTECT, related_name="population")
    size = models.PositiveIntegerField()  # answers
    answers = models.ForeignKey(
        Blob, on_delete=models.PROTECT, related_name="sampling_populations"
    )  # `evidence.sampling.population_bytes`; its digest is what the log holds
    strata = models.JSONField()  # [{name, size, digest}], by name
    frozen_by = actor_field()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"population of {self.plan}"


class SampleDraw(AppendOnlyModel):
    """The answers drawn from a population by the first checkpoint that covers its event. One for each population."""

    SYSTEM_PATH = "population__plan__system"
    PII = "actor"
    EVENT_PATH = ""

    population = models.OneToOneField(FrozenPopulation, on_delete=models.PROTECT, related_name="draw")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="sample_draws")
    seed = digest_field()
    n = models.PositiveIntegerField()  # drawn from all answers; what strata have besides comes on top
    drawn = models.JSONField()  # [[id, stratum, whether among the n]], in the order drawn
    digest = digest_field()  # of `evidence.sampling.draw_document`
    drawn_by = actor_field()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"sample of {self.population.plan}"
