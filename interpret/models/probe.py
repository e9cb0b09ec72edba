"""Probe specifications, the runs that carry them out, and what they found."""

from __future__ import annotations

from django.db import models

from evidence.models import ArtefactVersion, Release, System
from evidence.models.base import (
    KEY_LENGTH,
    LABEL_LENGTH,
    AppendOnlyModel,
    actor_field,
    digest_field,
)
from evidence.models.work import LeasedWork
from evidence.vocabulary import choices_of
from interpret.contracts import ClaimLevel, NullKind
from interpret.contracts import Status as FindingStatus


class ProbeSpec(AppendOnlyModel):
    """What to measure, on which model, with which parameters and seed."""

    SYSTEM_PATH = "system"
    PII = "actor"
    EVENT_PATH = "runs"

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="probe_specs")
    artefact_version = models.OneToOneField(
        ArtefactVersion, on_delete=models.PROTECT, related_name="probe_spec"
    )
    probe = models.CharField(max_length=LABEL_LENGTH)  # a key of interpret.registry.PROBES
    parameters = models.JSONField(default=dict)
    seed = models.BigIntegerField()
    model_version = models.ForeignKey(ArtefactVersion, on_delete=models.PROTECT, related_name="+")
    dataset_version = models.ForeignKey(
        ArtefactVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.probe}, seed {self.seed}"


class ProbeRun(LeasedWork):
    """One carrying-out of a spec."""

    SYSTEM_PATH = "spec__system"
    PII = "actor"
    WORK_ROW = "a lease on a run; what it found is a Finding, which is append-only"

    class State(models.TextChoices):
        QUEUED = LeasedWork.State.QUEUED.value
        RUNNING = LeasedWork.State.RUNNING.value
        DONE = LeasedWork.State.DONE.value
        FAILED = LeasedWork.State.FAILED.value
        CANCELLED = "cancelled"

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    spec = models.ForeignKey(ProbeSpec, on_delete=models.PROTECT, related_name="runs")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="probe_runs")
    queued_by = actor_field()
    queued_at = models.DateTimeField(auto_now_add=True)
    lease_digest = digest_field(blank=True, db_default="")  # of the key of whoever plans it
    planned_at = models.DateTimeField(null=True)  # when its parts were named
    # How many of the system's runs on its model were first claimed before it, and how much those had found by then.
    # NULL: it was not claimed yet, or ended before this was counted.
    runs_before = models.PositiveIntegerField(null=True)
    found_before = models.PositiveIntegerField(null=True)
    attached_at = models.DateTimeField(null=True)  # when its findings had been put forward as evidence

    class Meta:
        constraints = [
            # Two requests for the same measurement race here: the second finds the first.
            models.UniqueConstraint(
                fields=["spec", "release"],
                condition=models.Q(state__in=["queued", "running"]),
                name="interpret_proberun_one_pending",
            ),
        ]
        indexes = [
            models.Index(
                fields=["finished_at"],
                condition=models.Q(state="done", attached_at=None),
                name="interpret_proberun_unattached",  # what the attaching task looks for
            ),
            models.Index(
                fields=["queued_at"],
                condition=models.Q(state__in=["queued", "running"]),
                name="interpret_proberun_pending",  # what the re-sending task looks for
            ),
        ]
        permissions = [
            ("view_internals", "May see probes, findings, activations, features and detectors"),
        ]

    def __str__(self) -> str:
        return f"probe run {self.pk}"


class ProbePart(LeasedWork):
    """A part of a run's work, which any worker does; the one without a name puts the others together."""

    SYSTEM_PATH = "run__spec__system"
    PII = "none"
    WORK_ROW = "a lease on a part; what all parts gave is a Finding, which is append-only"

    run = models.ForeignKey(ProbeRun, on_delete=models.PROTECT, related_name="parts")
    part = models.CharField(max_length=LABEL_LENGTH, blank=True)
    lease_digest = digest_field(blank=True)  # of the key that its claim answered with
    postponed_at = models.DateTimeField(null=True)  # when what passes by itself first got in its way
    measured = models.TextField(
        blank=True
    )  # an interpret.contracts.MeasuredPart as JSON, until the run is over

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "part"], name="interpret_probepart_once"),
        ]

    def __str__(self) -> str:
        return self.part or "the report"


class Finding(AppendOnlyModel):
    """What a run measured, beside its baseline, its null and its control, and what it does not show."""

    Status = FindingStatus
    STATUS_CHOICES = choices_of(FindingStatus)

    SYSTEM_PATH = "run__spec__system"
    PII = "none"
    EVENT_PATH = ""

    run = models.ForeignKey(ProbeRun, on_delete=models.PROTECT, related_name="findings")
    ordinal = models.PositiveIntegerField()
    title = models.CharField(max_length=LABEL_LENGTH)
    statistic = models.CharField(max_length=LABEL_LENGTH)
    unit = models.CharField(max_length=KEY_LENGTH)
    value = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    confidence = models.FloatField()
    n = models.PositiveIntegerField()
    p_value = models.FloatField(null=True)
    q_value = models.FloatField(null=True)  # Benjamini-Hochberg over the family in `family`
    family = models.CharField(max_length=LABEL_LENGTH, blank=True)
    baseline = models.JSONField()  # the same statistic for a simple baseline
    null = models.JSONField()  # the same statistic under shuffled labels or in a dead model
    control = models.JSONField(null=True)  # where it intervenes: a random direction or head of the same size
    stability = models.JSONField()  # the same statistic with a second seed
    status = models.CharField(max_length=15, choices=STATUS_CHOICES)
    # What the status came of, by `interpret.verdicts`; NULL: decided by a probe, before that room was.
    verdict = models.JSONField(null=True)
    # The claim ladder: a higher rung is refused when a control field is empty.
    rung = models.CharField(max_length=15, choices=choices_of(ClaimLevel))
    supports = models.TextField()  # in words
    does_not_show = models.TextField()  # in words
    holds_for = models.JSONField()  # model digest, layer, language, dataset
    provenance = models.JSONField()  # versions of libraries, seeds, fire counts
    # Per-head rows and the like; only with interpret.view_internals.
    internals = models.JSONField(default=dict)
    digest = digest_field()
    observed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "ordinal"], name="interpret_finding_ordinal"),
            # A claim that was not held against every null cannot be stored as decided.
            models.CheckConstraint(
                name="interpret_finding_nulls",
                condition=models.Q(verdict__isnull=True)
                | ~models.Q(status__in=[FindingStatus.SUPPORTED, FindingStatus.NOT_SUPPORTED])
                | models.Q(
                    verdict__has_key="differences", verdict__differences__has_keys=list(map(str, NullKind))
                ),
            ),
            models.CheckConstraint(
                name="interpret_finding_described",
                condition=models.Q(verdict__isnull=True)
                | ~models.Q(rung=ClaimLevel.DESCRIPTIVE)
                | models.Q(status=FindingStatus.DESCRIBED),
            ),
            models.CheckConstraint(
                name="interpret_finding_replicated",
                condition=~models.Q(rung=ClaimLevel.REPLICATED)
                | models.Q(status=FindingStatus.SUPPORTED, verdict__second=FindingStatus.SUPPORTED),
            ),
        ]

    def __str__(self) -> str:
        return self.title
