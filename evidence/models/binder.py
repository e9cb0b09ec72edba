"""Binders: what was exported for whom, over what."""

from __future__ import annotations

from django.db import models

from evidence.models.artefact import Release
from evidence.models.base import (
    KEY_LENGTH,
    LABEL_LENGTH,
    AppendOnlyModel,
    actor_field,
    digest_field,
)
from evidence.models.blob import Blob
from evidence.models.system import System
from evidence.models.work import LeasedWork


class Binder(AppendOnlyModel):
    """A sealed export. The same scope over the same evidence gives the same bytes."""

    SYSTEM_PATH = "system"
    PII = "payload"
    EVENT_PATH = ""

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


class BinderRequest(LeasedWork):
    """A binder that a worker is to export."""

    SYSTEM_PATH = "system"
    PII = "actor"
    WORK_ROW = "a lease on an export; what it made is a Binder, which is append-only"

    binder_uuid = models.UUIDField()  # the id of the binder it is for, which its scope gives
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="binder_requests")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="binder_requests")
    baseline = models.CharField(max_length=KEY_LENGTH, blank=True)
    period_from = models.DateTimeField()
    period_to = models.DateTimeField()
    as_of = models.DateTimeField()
    # Nobody named a time: asked for again while it waits, it is the same.
    as_of_was_now = models.BooleanField()
    n_files = models.PositiveIntegerField(default=0)  # packed so far, by the last attempt
    n_bytes = models.BigIntegerField(default=0)  # likewise, of the ZIP
    binder = models.ForeignKey(Binder, on_delete=models.PROTECT, null=True, related_name="requests")
    requested_by = actor_field()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["system", "binder_uuid"],
                condition=models.Q(state__in=["queued", "running"]),
                name="evidence_binderrequest_one_pending",
            ),
        ]
        indexes = [
            models.Index(fields=["binder_uuid"], name="evidence_binderrequest_binder"),
            models.Index(
                fields=["queued_at"],
                condition=models.Q(state__in=["queued", "running"]),
                name="evidence_binderrequest_pending",  # what the re-sending task looks for
            ),
        ]

    def __str__(self) -> str:
        return f"binder {self.binder_uuid} ({self.state})"
