"""Eval runs as CI posted them, and the aggregates we computed from their samples."""

from __future__ import annotations

from django.db import models

from evidence.evals.contracts import Direction, RunStatus, ScoreStatus
from evidence.evals.measurements import RemarkCode
from evidence.models.artefact import ArtefactVersion, Release
from evidence.models.base import (
    KEY_LENGTH,
    LABEL_LENGTH,
    AppendOnlyModel,
    Dismissal,
    ErasableModel,
    actor_field,
    digest_field,
)
from evidence.models.blob import Blob
from evidence.models.system import System

URL_LENGTH = 500  # characters of an address


class EvalRun(AppendOnlyModel):
    """One run of a suite against a release, with everything needed to read its numbers."""

    Status = RunStatus

    SYSTEM_PATH = "system"
    PII = "payload"
    EVENT_PATH = ""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="eval_runs")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, null=True, related_name="eval_runs")
    run_key = models.CharField(max_length=LABEL_LENGTH)  # CI's id of the run: makes posting twice harmless
    format = models.CharField(max_length=KEY_LENGTH)  # "tracebinder.eval/1"
    parser_version = models.CharField(max_length=KEY_LENGTH)
    raw = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="eval_runs")
    suite = models.ForeignKey(ArtefactVersion, on_delete=models.PROTECT, related_name="+")
    evaluator = models.ForeignKey(ArtefactVersion, on_delete=models.PROTECT, related_name="+")
    dataset = models.ForeignKey(ArtefactVersion, on_delete=models.PROTECT, related_name="+")
    # Which of the measurements in the file; empty where it holds one only.
    measurement = models.CharField(max_length=LABEL_LENGTH, blank=True, db_default="")
    model = models.CharField(max_length=LABEL_LENGTH, blank=True, db_default="")  # as the runner calls it
    model_digest = digest_field(blank=True)  # as the runner reported it
    status = models.CharField(max_length=10, choices=RunStatus.choices())
    commit = models.CharField(max_length=KEY_LENGTH, blank=True)
    dirty = models.BooleanField(null=True)  # whether the code was not the commit's; None: nobody said
    ci_url = models.CharField(
        max_length=URL_LENGTH, blank=True, db_default=""
    )  # of the CI job that posted it
    seeds = models.JSONField(null=True)  # name -> seed, as the runner says it
    said_by_poster = models.JSONField(null=True)  # what the file does not say, by name of the parameter
    observed_from = models.DateTimeField()  # when it was true
    observed_to = models.DateTimeField()
    collected_at = models.DateTimeField()  # the runner's clock
    received_at = models.DateTimeField()  # ours
    valid_until = models.DateTimeField(null=True)
    posted_by = actor_field()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "run_key"], name="evidence_evalrun_key")]
        indexes = [
            models.Index(fields=["release", "-observed_to"], name="evidence_evalrun_latest"),
            models.Index(fields=["xact_id"], name="evidence_evalrun_since"),
        ]

    def __str__(self) -> str:
        return self.run_key


class EvalSample(ErasableModel):
    """One sample under one metric. Unscored and error are kept apart from a low score, and never averaged."""

    Status = ScoreStatus

    SYSTEM_PATH = "run__system"
    PII = "payload"
    EVENT_PATH = "run"

    run = models.ForeignKey(EvalRun, on_delete=models.PROTECT, related_name="samples")
    sample_id = models.CharField(max_length=LABEL_LENGTH)
    metric = models.CharField(max_length=LABEL_LENGTH)
    slice = models.JSONField(default=dict)  # {"language": "en", "task": "fees"}
    status = models.CharField(max_length=10, choices=ScoreStatus.choices())
    value = models.FloatField(null=True)  # present if and only if scored
    explanation = models.TextField(blank=True)
    input = models.TextField(blank=True)
    output = models.TextField(blank=True)
    target = models.TextField(blank=True)
    trace_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "metric", "sample_id"], name="evidence_evalsample_once"),
            models.CheckConstraint(
                condition=models.Q(status="scored", value__isnull=False)
                | models.Q(~models.Q(status="scored"), value__isnull=True),
                name="evidence_evalsample_value_iff_scored",
            ),
        ]
        indexes = [
            models.Index(  # what was measured on one trace, to read or erase
                fields=["trace_id"],
                condition=models.Q(trace_id__isnull=False),
                name="evidence_evalsample_trace",
            )
        ]


class EvalScore(AppendOnlyModel):
    """A metric over a slice of a run, aggregated by us from the samples."""

    SYSTEM_PATH = "run__system"
    PII = "none"
    EVENT_PATH = "run"

    run = models.ForeignKey(EvalRun, on_delete=models.PROTECT, related_name="scores")
    metric = models.CharField(max_length=LABEL_LENGTH)
    # The model that gave the values; None: no model did, or the file did not say.
    judge = models.ForeignKey(ArtefactVersion, on_delete=models.PROTECT, null=True, related_name="+")
    slice = models.JSONField(default=dict)  # {} is the whole run
    unit = models.CharField(max_length=KEY_LENGTH)  # "share", "seconds"
    direction = models.CharField(max_length=10, choices=Direction.choices())
    value = models.FloatField(null=True)  # None when nothing was scored
    n = models.PositiveIntegerField()  # samples scored
    n_unscored = models.PositiveIntegerField()
    n_error = models.PositiveIntegerField()
    stderr = models.FloatField(null=True)
    low = models.FloatField(null=True)  # two-sided interval at `confidence`
    high = models.FloatField(null=True)
    confidence = models.FloatField()  # in (0, 1): 0.90, so that each bound holds at 0.95 by itself
    interval_method = models.CharField(max_length=KEY_LENGTH)  # of `evidence.statistics.Estimate`

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "metric", "slice"], name="evidence_evalscore_once")
        ]


class EvalTotal(AppendOnlyModel):
    """A total that the runner computed itself, beside ours where both should be one number."""

    SYSTEM_PATH = "run__system"
    PII = "none"
    EVENT_PATH = "run"

    run = models.ForeignKey(EvalRun, on_delete=models.PROTECT, related_name="totals")
    metric = models.CharField(max_length=LABEL_LENGTH)  # ours
    name = models.CharField(max_length=LABEL_LENGTH)  # the runner's: "accuracy", "stderr"
    # How attempts became one value; empty: their mean.
    reducer = models.CharField(max_length=KEY_LENGTH, blank=True)
    stated = models.FloatField(null=True)  # in the metric's unit
    stated_n = models.PositiveIntegerField(null=True)  # of what, as the runner counts
    computed = models.FloatField(null=True)  # in the metric's unit: our mean over items, if it is one
    differs = models.BooleanField()  # whether the two should be one number and are not


class EvalRemark(AppendOnlyModel):
    """Something to know beside the numbers of a run: it was edited, limited, never finished, and so on."""

    Code = RemarkCode

    SYSTEM_PATH = "run__system"
    PII = "actor"
    EVENT_PATH = "run"

    run = models.ForeignKey(EvalRun, on_delete=models.PROTECT, related_name="remarks")
    code = models.CharField(max_length=20, choices=RemarkCode.choices())
    detail = models.TextField()  # one sentence, ours
    sample_id = models.CharField(max_length=LABEL_LENGTH, blank=True)  # empty: the whole run


class RetractionRequest(AppendOnlyModel):
    """Somebody asks that a run no longer counts: who, and why. Until another person confirms it, the run counts."""

    SYSTEM_PATH = "run__system"
    PII = "actor"
    EVENT_PATH = ""

    run = models.ForeignKey(EvalRun, on_delete=models.PROTECT, related_name="retraction_requests")
    reason = models.TextField()
    requested_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"retraction of {self.run.run_key}"


class RetractionDismissal(Dismissal):
    """A requested retraction was declined by another person, or withdrawn by whoever asked: the run counts."""

    SYSTEM_PATH = "request__run__system"
    PII = "actor"
    EVENT_PATH = "request"

    request = models.OneToOneField(RetractionRequest, on_delete=models.PROTECT, related_name="dismissal")


class Retraction(AppendOnlyModel):
    """A run was wrong: who said so and why, and who confirmed it. The run stays, and no longer counts."""

    SYSTEM_PATH = "run__system"
    PII = "actor"
    EVENT_PATH = "run"

    run = models.OneToOneField(EvalRun, on_delete=models.PROTECT, related_name="retraction")
    # None, and nobody confirmed it: from before a retraction took a second person.
    request = models.OneToOneField(
        RetractionRequest, on_delete=models.PROTECT, null=True, related_name="retraction"
    )
    reason = models.TextField()
    retracted_by = actor_field()
    confirmed_by = actor_field(blank=True, db_default="")
    created_at = models.DateTimeField(auto_now_add=True)
