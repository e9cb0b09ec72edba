"""What the gates that protect an environment said as a release went there."""

from __future__ import annotations

from django.db import models

from evidence.models.artefact import ArtefactVersion, Deployment, Release
from evidence.models.base import KEY_LENGTH, digest_field
from evidence.models.gate import GateDecision, ReleaseVerdict


class Admission(ReleaseVerdict):
    """What a gate that protects an environment said of a release as its deployment there was recorded.

    A gate is looked at again at that moment: `verdict` is what it says then. Of a deployment by decision that is a
    pass, of a rollback whatever it is.
    """

    SYSTEM_PATH = "deployment__system"
    PII = "none"
    EVENT_PATH = "deployment"

    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="admissions")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="admissions")
    gate_version = models.ForeignKey(ArtefactVersion, on_delete=models.PROTECT, related_name="admissions")
    # The pass that let it in; of a rollback, the one that let in what it restores, or None: this gate gave none then.
    decision = models.ForeignKey(GateDecision, on_delete=models.PROTECT, null=True, related_name="admissions")
    as_of = models.DateTimeField()  # when the gate was looked at
    verdict = models.CharField(max_length=15, choices=GateDecision.Verdict.choices)
    unmet = models.JSONField(default=list)  # [{criterion, requirement, verdict, code, detail}]
    inputs_digest = digest_field()  # of what a decision at that moment rests on
    code_version = models.CharField(max_length=KEY_LENGTH)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["deployment", "gate_version"], name="evidence_admission_once"),
        ]

    def __str__(self) -> str:
        return f"{self.gate_version}: {self.verdict}"
