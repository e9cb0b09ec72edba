"""One identity for everything versioned."""

from __future__ import annotations

from typing import Final

from django.db import models

from evidence.models.base import (
    KEY_LENGTH,
    LABEL_LENGTH,
    AppendOnlyModel,
    actor_field,
    digest_field,
)
from evidence.models.blob import Blob
from evidence.models.system import System


class ArtefactKind(models.TextChoices):
    MODEL = "model"
    PROMPT = "prompt"
    INDEX = "index"
    DOCUMENT = "document"
    DATASET = "dataset"
    SUITE = "suite"
    EVALUATOR = "evaluator"
    JUDGE = "judge"
    POLICY = "policy"
    TOOL = "tool"
    GATE = "gate"
    REQUIREMENT = "requirement"
    CRITERION = "criterion"
    SAE = "sae"
    DETECTOR = "detector"
    PROBE = "probe"
    PROBE_INPUTS = "probe_inputs"
    SAFETY_CASE = "safety_case"
    READING = "reading"
    REASONS = "reasons"  # that the reviewers of a system give


# Of what is seen only with `interpret.view_internals`. A release pins none of it, and no trace names any.
INTERNAL_KINDS: Final = frozenset(
    {ArtefactKind.SAE, ArtefactKind.DETECTOR, ArtefactKind.PROBE, ArtefactKind.PROBE_INPUTS}
)

# What a system is measured with: whoever chooses it, chooses the result.
INSTRUMENT_KINDS: Final = frozenset(
    {ArtefactKind.SUITE, ArtefactKind.EVALUATOR, ArtefactKind.JUDGE, ArtefactKind.DATASET}
)
# What a release may pin, and what is registered by an act of its own; gates, readings and requirements are approved.
RELEASE_KINDS: Final = INSTRUMENT_KINDS | {
    ArtefactKind.MODEL, ArtefactKind.PROMPT, ArtefactKind.INDEX, ArtefactKind.DOCUMENT, ArtefactKind.POLICY,
    ArtefactKind.TOOL,
}  # fmt: skip


class Artefact(AppendOnlyModel):
    """A thing that has versions: the stable half of an identity."""

    SYSTEM_PATH = "system"
    PII = "none"
    EVENT_PATH = "versions"

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="artefacts")
    kind = models.CharField(max_length=20, choices=ArtefactKind.choices)
    key = models.CharField(max_length=LABEL_LENGTH)  # e.g. "smollm2-135m-instruct", "credit-answer"
    name = models.CharField(max_length=LABEL_LENGTH)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "kind", "key"], name="evidence_artefact_identity")
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"


class DigestBasis(models.TextChoices):
    # Over the artefact's bytes or canonical JSON.
    CONTENT = "content"
    # Only a label was seen: over {kind, key, label}, so that even this version has an identity.
    LABEL = "label"


class ArtefactVersion(AppendOnlyModel):
    """One immutable, numbered version. Created once, never changed."""

    SYSTEM_PATH = "artefact__system"
    PII = "actor"
    EVENT_PATH = ""

    artefact = models.ForeignKey(Artefact, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()  # 1, 2, 3 … within the artefact
    label = models.CharField(max_length=LABEL_LENGTH)  # what its owners call it: "1.2.0", "2026-11"
    digest = digest_field()
    digest_basis = models.CharField(max_length=10, choices=DigestBasis.choices)
    metadata = models.JSONField(default=dict)  # by kind; a gate's criteria, a model's architecture
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, related_name="artefact_versions")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = actor_field()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["artefact", "number"], name="evidence_artefactversion_number"),
            # Two registrations of the same content race here: the second finds the first.
            models.UniqueConstraint(fields=["artefact", "digest"], name="evidence_artefactversion_content"),
        ]
        # "who uses this model?"
        indexes = [
            models.Index(fields=["digest"], name="evidence_artefactversion_dig"),
            models.Index(fields=["xact_id"], name="evidence_artefactversion_since"),
        ]

    def __str__(self) -> str:
        return f"{self.artefact} v{self.number} ({self.label})"


class Registration(AppendOnlyModel):
    """A person, or CI in their name, vouches for a version. A version that was only seen or pinned has none."""

    class Basis(models.TextChoices):
        # From before this was told: pinning a version vouched for it, and whoever posted a gate changed it.
        ADOPTED = "adopted"
        # Somebody registered this very version, by its digest.
        ACT = "act"
        # A second person approved it: a gate, a reading, a requirement, a criterion.
        APPROVAL = "approval"

    SYSTEM_PATH = "version__artefact__system"
    PII = "actor"
    EVENT_PATH = "version"

    version = models.OneToOneField(ArtefactVersion, on_delete=models.PROTECT, related_name="registration")
    registered_by = actor_field()
    reason = models.TextField(blank=True)
    # What a server of before writes meanwhile is adopted, too.
    basis = models.CharField(max_length=10, choices=Basis.choices, db_default=Basis.ADOPTED)
    created_at = models.DateTimeField(auto_now_add=True)


class SourceDocument(AppendOnlyModel):
    """A document as one index version held it: what a citation is checked against."""

    SYSTEM_PATH = "index_version__artefact__system"
    PII = "payload"
    EVENT_PATH = "index_version"

    index_version = models.ForeignKey(ArtefactVersion, on_delete=models.PROTECT, related_name="documents")
    document_id = models.CharField(max_length=LABEL_LENGTH)  # the id the application cites it by
    title = models.CharField(max_length=500)
    language = models.CharField(max_length=35)  # BCP 47
    digest = digest_field()  # of the UTF-8 bytes of `text`
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["index_version", "document_id"], name="evidence_sourcedocument_member"
            ),
        ]
        indexes = [models.Index(fields=["digest"], name="evidence_sourcedocument_dig")]

    def __str__(self) -> str:
        return self.document_id


class Release(AppendOnlyModel):
    """A frozen bundle of pins: what exactly was released together."""

    SYSTEM_PATH = "system"
    PII = "actor"
    EVENT_PATH = ""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="releases")
    name = models.CharField(max_length=KEY_LENGTH)
    digest = digest_field()  # over {slot: version digest}
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = actor_field()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "name"], name="evidence_release_name")]

    def __str__(self) -> str:
        return f"{self.system.key}/{self.name}"


class ReleasePin(AppendOnlyModel):
    """One version in a release, in the slot it fills: `model`, `prompt`, `index`, `policy`, `tool:<key>`."""

    SYSTEM_PATH = "release__system"
    PII = "none"
    EVENT_PATH = "release"

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="pins")
    slot = models.CharField(max_length=LABEL_LENGTH)
    version = models.ForeignKey(ArtefactVersion, on_delete=models.PROTECT, related_name="release_pins")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "slot"], name="evidence_releasepin_slot")]


class Deployment(AppendOnlyModel):
    """From `effective_from` on, this release was live there. The last one before a time is what was live then."""

    class Basis(models.TextChoices):
        """Why it could be recorded."""

        # From before gates protected environments, or by a server of then: nobody looked.
        UNCHECKED = "unchecked"
        # No gate protected the environment.
        OPEN = "open"
        # Each gate that protects it let the release in: `Admission` says by which decision.
        DECISION = "decision"
        # Back to what stood there before, for a reason, whatever the gates say of it now.
        ROLLBACK = "rollback"

    SYSTEM_PATH = "system"
    PII = "actor"
    EVENT_PATH = ""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="deployments")
    environment = models.CharField(max_length=KEY_LENGTH)  # "production", "staging"
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="deployments")
    effective_from = models.DateTimeField()
    deployed_by = actor_field()
    # What a server of before writes meanwhile is unchecked, too.
    basis = models.CharField(max_length=10, choices=Basis.choices, db_default=Basis.UNCHECKED)
    reason = models.TextField(blank=True, db_default="")  # of a rollback
    # What was live there when this was recorded; None: nothing was, or it is not on record.
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    # Of a rollback: the deployment that a gate let in, which it goes back to.
    restores = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="restored_by")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["system", "environment", "-effective_from"], name="evidence_deployment_as_of"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.release.name} in {self.environment}"
