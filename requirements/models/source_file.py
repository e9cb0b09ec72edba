"""The files that requirements come from: what each import of one brought, moved and dropped."""

from __future__ import annotations

from django.db import models

from evidence.models import Blob, System
from evidence.models.base import LABEL_LENGTH, AppendOnlyModel, actor_field, digest_field
from requirements.models.requirement import Requirement, RequirementVersion


class SourceFile(AppendOnlyModel):
    """A requirement file by its name, as whoever imports it gives it. A requirement is one file's at a time."""

    SYSTEM_PATH = "system"
    PII = "none"
    EVENT_PATH = "imports"

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="source_files")
    name = models.CharField(max_length=LABEL_LENGTH)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "name"], name="requirements_sourcefile_name")
        ]

    def __str__(self) -> str:
        return self.name


class SourceFileImport(AppendOnlyModel):
    """One state of a file that was imported: its bytes, and the plan that was applied. The same state again is none.

    The bytes of all files of one import are kept together, one after the other.
    """

    SYSTEM_PATH = "source_file__system"
    PII = "actor"
    EVENT_PATH = ""

    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="imports")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="requirement_imports")
    digest = digest_field()  # of the file's own bytes
    offset = models.BigIntegerField()  # of its first byte in the blob
    size = models.BigIntegerField()  # bytes
    plan_digest = digest_field()  # of the plan of which it was a part
    imported_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.source_file} {self.digest[:12]}"


class SourceFileEntry(AppendOnlyModel):
    """What an import changed about a requirement. The newest of one says whose it is, or that it was dropped."""

    class Change(models.TextChoices):
        # A requirement that nobody knew.
        ADDED = "added"
        # Another wording than its newest version had.
        CHANGED = "changed"
        # The same wording as its newest version, which was retired: a version of its own.
        RETURNED = "returned"
        # Known before, and no file's: its wording is the newest version's.
        ADOPTED = "adopted"
        # Another file's before; with or without another wording.
        MOVED = "moved"
        # The file held it, and holds it no longer. Whether it is retired, somebody decides.
        DROPPED = "dropped"

    SYSTEM_PATH = "file_import__source_file__system"
    PII = "none"
    EVENT_PATH = "file_import"

    file_import = models.ForeignKey(SourceFileImport, on_delete=models.PROTECT, related_name="entries")
    requirement = models.ForeignKey(Requirement, on_delete=models.PROTECT, related_name="source_entries")
    # The newest version then: for one that was dropped, what it leaves behind.
    version = models.ForeignKey(RequirementVersion, on_delete=models.PROTECT, related_name="source_entries")
    change = models.CharField(max_length=10, choices=Change.choices)
    line = models.PositiveIntegerField(null=True)  # of the file, from 1; null: it is not in it

    class Meta:
        verbose_name_plural = "source file entries"
        constraints = [
            models.UniqueConstraint(
                fields=["file_import", "requirement"], name="requirements_sourceentry_once"
            )
        ]
        # "whose is it?"
        indexes = [models.Index(fields=["requirement", "-id"], name="requirements_sourceentry_last")]
