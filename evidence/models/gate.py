"""What a gate decided, from what, and who waived what."""

from __future__ import annotations

from django.db import models

from evidence.models.artefact import ArtefactVersion, Release
from evidence.models.base import (
    KEY_LENGTH,
    LABEL_LENGTH,
    AppendOnlyModel,
    Dismissal,
    actor_field,
    digest_field,
)
from evidence.models.system import System


class GateState(models.TextChoices):
    """Where a version of a gate stands; which of the approved ones decides is the one approved last."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    # On record from before versions were approved, which no transition says: `Registration.Basis.ADOPTED` does.
    ADOPTED = "adopted"


class GateTransition(AppendOnlyModel):
    """A version of a gate was proposed, approved, declined or withdrawn: by whom, why, when."""

    SYSTEM_PATH = "version__artefact__system"
    PII = "actor"
    EVENT_PATH = "version"

    version = models.ForeignKey(ArtefactVersion, on_delete=models.PROTECT, related_name="gate_transitions")
    to_state = models.CharField(max_length=15, choices=GateState.choices)
    by = actor_field()
    reason = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version"],
                condition=models.Q(to_state=GateState.APPROVED),
                name="evidence_gatetransition_approved_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(to_state=GateState.ADOPTED), name="evidence_gatetransition_not_adopted"
            ),
        ]


class ReleaseVerdict(AppendOnlyModel):
    """A verdict on a release, drawn from what was recorded about it."""

    # Whether it rests on what reviewers said: then `evidence.access` keeps it from those it could still lead.
    counts_reviews = models.BooleanField()

    class Meta:
        abstract = True


class GateDecision(ReleaseVerdict):
    """A gate's verdict on a release, with the digest of all it read, so that it can be replayed."""

    class Verdict(models.TextChoices):
        PASS = "pass"  # noqa: S105  # a verdict, not a password
        FAIL = "fail"
        INSUFFICIENT = "insufficient"

    SYSTEM_PATH = "system"
    PII = "actor"
    EVENT_PATH = ""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="gate_decisions")
    gate_version = models.ForeignKey(ArtefactVersion, on_delete=models.PROTECT, related_name="gate_decisions")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="gate_decisions")
    as_of = models.DateTimeField()
    verdict = models.CharField(max_length=15, choices=Verdict.choices)
    reasons = models.JSONField()  # [{criterion, requirement, verdict, detail}]
    inputs = models.JSONField()  # what was read, by digest
    inputs_digest = digest_field()
    code_version = models.CharField(max_length=KEY_LENGTH)
    decided_by = actor_field()
    decided_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["release", "-decided_at"], name="evidence_gatedecision_latest")]

    def __str__(self) -> str:
        return f"decision {self.pk}: {self.verdict}"


class WaiverRequest(AppendOnlyModel):
    """Somebody asks that a release passes one criterion that a gate found unmet, until a date, for a reason."""

    SYSTEM_PATH = "release__system"
    PII = "actor"
    EVENT_PATH = ""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="waiver_requests")
    decision = models.ForeignKey(GateDecision, on_delete=models.PROTECT, related_name="waiver_requests")
    criterion_ref = models.CharField(max_length=LABEL_LENGTH)  # "<requirement key>/<criterion key>"
    reason = models.TextField()
    requested_by = actor_field()
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"waiver of {self.criterion_ref} for {self.release.name}"


class WaiverDismissal(Dismissal):
    """A requested waiver was declined by another person, or withdrawn by whoever asked: the criterion stands."""

    SYSTEM_PATH = "request__release__system"
    PII = "actor"
    EVENT_PATH = "request"

    request = models.OneToOneField(WaiverRequest, on_delete=models.PROTECT, related_name="dismissal")


class Waiver(AppendOnlyModel):
    """A named person lets a release past one unmet criterion, until a date, for a reason."""

    SYSTEM_PATH = "system"
    PII = "actor"
    EVENT_PATH = ""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="waivers")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="waivers")
    # None: from before waivers were asked for on record, when whoever approved one named who asked.
    request = models.OneToOneField(WaiverRequest, on_delete=models.PROTECT, null=True, related_name="waiver")
    criterion_ref = models.CharField(max_length=LABEL_LENGTH)  # "<requirement key>/<criterion key>"
    reason = models.TextField()
    requested_by = actor_field()
    approved_by = actor_field()
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(requested_by=models.F("approved_by")),
                name="evidence_waiver_second_person",
            ),
        ]
