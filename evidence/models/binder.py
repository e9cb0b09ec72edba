"""Binders: what was exported for whom, over what."""

from __future__ import annotations

from django.db import models

from evidence.models.artefact import Release
from evidence.models.base import KEY_LENGTH, LABEL_LENGTH, AppendOnlyModel, actor_field, digest_field
from evidence.models.blob import Blob
from evidence.models.system import System


class Binder(AppendOnlyModel):
    """A sealed export. The same scope over the same evidence gives the same bytes."""

    SYSTEM_PATH = "system"
    PII = "payload"

    binder_uuid = models.UUIDField()
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="binders")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="binders")
    baseline = models.CharField(max_length=KEY_LENGTH, blank=True)  # name of the requirements baseline
    period_from = models.DateTimeField()
    period_to = models.DateTimeField()
    as_of = models.DateTimeField()
    file_name = models.CharField(max_length=LABEL_LENGTH)
    archive = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="binders")
    sidecar = models.TextField()  # one DSSE envelope over the archive's digest
    tagmanifest_digest = digest_field()  # what the inner statement signs
    created_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "archive"], name="evidence_binder_content")]

    def __str__(self) -> str:
        return self.file_name
