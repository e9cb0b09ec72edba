"""What must hold: requirements, their versions, and criteria that a machine can check."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower

from evidence.models import Artefact, ArtefactVersion, Release, ReleaseVerdict, System
from evidence.models.base import (
    KEY_LENGTH,
    LABEL_LENGTH,
    AppendOnlyModel,
    actor_field,
    digest_field,
)
from evidence.vocabulary import CriterionVerdict, Layer, RiskTier
from requirements.drafts import DEFAULT_BOUND_CONFIDENCE, Comparator


class Requirement(AppendOnlyModel):
    """The stable half of a requirement; its text is in its versions."""

    SYSTEM_PATH = "system"
    PII = "none"
    EVENT_PATH = "versions"

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="requirements")
    artefact = models.OneToOneField(Artefact, on_delete=models.PROTECT, related_name="requirement")
    key = models.CharField(max_length=KEY_LENGTH, db_index=True)  # letters, digits, '-', '.' and '_'
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "key"], name="requirements_requirement_key")]
        # "is there one whose key differs in capitals only?"
        indexes = [models.Index("system", Lower("key"), name="requirements_key_any_case")]

    def __str__(self) -> str:
        return self.key


class RequirementState(models.TextChoices):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    SUPERSEDED = "superseded"
    RETIRED = "retired"


class Change(models.TextChoices):
    """Whether the wording of a version says something else than the one it replaces."""

    SUBSTANTIVE = "substantive"
    EDITORIAL = "editorial"


class RequirementVersion(AppendOnlyModel):
    """One wording of a requirement. Its state is the last of its transitions."""

    SYSTEM_PATH = "requirement__system"
    PII = "actor"
    EVENT_PATH = ""

    requirement = models.ForeignKey(Requirement, on_delete=models.PROTECT, related_name="versions")
    artefact_version = models.OneToOneField(
        ArtefactVersion, on_delete=models.PROTECT, related_name="requirement_version"
    )
    number = models.PositiveIntegerField()
    # The key that another tool gave it, e.g. "REQ/1.2"; of a system's newest versions, no two have the same.
    external_id = models.CharField(max_length=LABEL_LENGTH, blank=True, db_default="", default="")
    statement = models.JSONField()  # {"en": …, "zh-Hans": …}
    rationale = models.TextField(blank=True)
    risk_tier = models.CharField(max_length=10, choices=RiskTier.choices())
    layer = models.CharField(max_length=15, choices=Layer.choices())
    owner = models.CharField(max_length=LABEL_LENGTH)
    review_every_days = models.PositiveIntegerField()
    lint = models.JSONField(default=list)  # what the linter said at entry: [`LintWarning.as_dict`]
    # Of its content (`requirements.fingerprints`); empty of versions from before there were any.
    fingerprint = digest_field(blank=True, db_default="")
    proposed_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["requirement", "number"], name="requirements_version_number"),
        ]
        # "whose is this id of another tool?"
        indexes = [
            models.Index(
                fields=["external_id"], condition=~models.Q(external_id=""), name="requirements_external_id"
            )
        ]

    def __str__(self) -> str:
        return f"{self.requirement.key} v{self.number}"


class RequirementTransition(AppendOnlyModel):
    """A version moved to a state: by whom, why, when, and what was read to decide it."""

    SYSTEM_PATH = "version__requirement__system"
    PII = "actor"
    EVENT_PATH = "version"

    version = models.ForeignKey(RequirementVersion, on_delete=models.PROTECT, related_name="transitions")
    to_state = models.CharField(max_length=15, choices=RequirementState.choices)
    by = actor_field()
    reason = models.TextField(blank=True)
    at = models.DateTimeField()
    # To draft and to review: what the author says the change is, where they say it. To approved: what it counts as.
    change = models.CharField(max_length=15, choices=Change.choices, blank=True, db_default="")
    # To approved: what links compare from now on, which an editorial change takes over from what it replaces.
    fingerprint = digest_field(blank=True, db_default="")
    # To approved: the linter's warnings that the approver read, as "<code>@<where>". None: of any other step.
    warnings_read = ArrayField(models.TextField(), null=True)
    # To retired: the request that another person granted. None where one person retired a version, which was so before.
    request = models.OneToOneField(
        "requirements.RetirementRequest", on_delete=models.PROTECT, null=True, related_name="retirement"
    )


class AcceptanceCriterion(AppendOnlyModel):
    """A sentence a machine can check: which check, with which parameters, against which threshold."""

    SYSTEM_PATH = "version__requirement__system"
    PII = "none"
    EVENT_PATH = "version"

    version = models.ForeignKey(RequirementVersion, on_delete=models.PROTECT, related_name="criteria")
    # Not one-to-one: a criterion that a new requirement version keeps word for word keeps its identity.
    artefact_version = models.ForeignKey(ArtefactVersion, on_delete=models.PROTECT, related_name="criteria")
    key = models.SlugField(max_length=KEY_LENGTH)
    check_name = models.CharField(max_length=LABEL_LENGTH)  # a key of requirements.checks.known_checks
    parameters = models.JSONField(default=dict)
    comparator = models.CharField(max_length=10, choices=Comparator.choices())
    threshold = models.FloatField()  # in `unit`
    unit = models.CharField(max_length=KEY_LENGTH)
    min_n = models.PositiveIntegerField()  # below this many observations the verdict is "insufficient"
    max_age_days = models.PositiveIntegerField(null=True)  # older evidence is "stale"
    # One-sided, of the bound compared with the threshold.
    bound_confidence = models.FloatField(default=DEFAULT_BOUND_CONFIDENCE)
    slices = ArrayField(models.JSONField(), default=list)  # each must hold too: [{"language": "zh-Hans"}]

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "key"], name="requirements_criterion_key")]
        verbose_name_plural = "acceptance criteria"

    def __str__(self) -> str:
        return f"{self.version.requirement.key}/{self.key}"


class Baseline(AppendOnlyModel):
    """A named set of requirement versions, frozen."""

    SYSTEM_PATH = "system"
    PII = "actor"
    EVENT_PATH = ""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="baselines")
    name = models.CharField(max_length=KEY_LENGTH)
    digest = digest_field()  # over the sorted digests of its members
    created_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "name"], name="requirements_baseline_name")]

    def __str__(self) -> str:
        return f"{self.system.key}/{self.name}"


class BaselineMember(AppendOnlyModel):
    """A requirement version in a baseline."""

    SYSTEM_PATH = "baseline__system"
    PII = "none"
    EVENT_PATH = "baseline"

    baseline = models.ForeignKey(Baseline, on_delete=models.PROTECT, related_name="members")
    version = models.ForeignKey(RequirementVersion, on_delete=models.PROTECT, related_name="baselines")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["baseline", "version"], name="requirements_member_once")
        ]


class Assessment(ReleaseVerdict):
    """A criterion judged for a release as of a time, with everything that was read to judge it."""

    Verdict = CriterionVerdict

    SYSTEM_PATH = "release__system"
    PII = "none"
    EVENT_PATH = ""

    criterion = models.ForeignKey(AcceptanceCriterion, on_delete=models.PROTECT, related_name="assessments")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="assessments")
    as_of = models.DateTimeField()
    verdict = models.CharField(max_length=15, choices=CriterionVerdict.choices())
    detail = models.TextField()  # in words
    value = models.FloatField(null=True)
    unit = models.CharField(max_length=KEY_LENGTH)
    direction = models.CharField(max_length=10)
    n = models.PositiveIntegerField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    bound_confidence = models.FloatField()  # one-sided, of `low` and of `high`, each by itself
    observed_from = models.DateTimeField(null=True)
    observed_to = models.DateTimeField(null=True)
    slices = models.JSONField(default=list)  # each required slice with its own measurement
    inputs = models.JSONField()
    inputs_digest = digest_field()
    code_version = models.CharField(max_length=KEY_LENGTH)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["release", "criterion", "-as_of"], name="requirements_assessment_latest"),
            models.Index(fields=["xact_id"], name="requirements_assessment_since"),
        ]
