"""What was taken out of the store, by whose decision, and what may not be taken out."""

from __future__ import annotations

from django.db import models

from evidence.models.base import LABEL_LENGTH, AppendOnlyModel, actor_field, digest_field
from evidence.models.blob import Blob
from evidence.models.system import System


class LegalHold(AppendOnlyModel):
    """What a system's spans of a period must be kept for. It wins over retention and over erasure until released."""

    SYSTEM_PATH = "system"
    PII = "actor"
    EVENT_PATH = ""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="legal_holds")
    reason = models.TextField()
    period_from = models.DateTimeField()  # of the spans' start, inclusive
    period_to = models.DateTimeField(null=True)  # exclusive; None: whatever comes
    placed_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(period_to__isnull=True) | models.Q(period_to__gt=models.F("period_from")),
                name="evidence_legalhold_period",
            )
        ]

    def __str__(self) -> str:
        return f"hold {self.pk}: {self.reason[:60]}"


class LegalHoldRelease(AppendOnlyModel):
    """A hold came to its end. The hold stays on record."""

    SYSTEM_PATH = "hold__system"
    PII = "actor"
    EVENT_PATH = ""

    hold = models.OneToOneField(LegalHold, on_delete=models.PROTECT, related_name="release")
    reason = models.TextField()
    released_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)


class Erasure(AppendOnlyModel):
    """The tombstone of a trace whose payload was erased. Digests, verdicts and times of its rows stay.

    Written by the database function that erases, never by itself: `transaction_id` is what lets the append-only
    triggers tell an erasure from any other change.
    """

    SYSTEM_PATH = "system"
    PII = "actor"
    EVENT_PATH = ""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="erasures")
    trace_id = models.UUIDField()
    reason = models.TextField()  # names no person: the tombstone is kept
    erased_by = actor_field()
    n_spans = models.PositiveIntegerField()  # whose payload was there to erase, or had been erased before
    # Rows that are no trace's own and held its words: table -> ids, found by the function that erases.
    copies = models.JSONField(default=dict)
    transaction_id = models.BigIntegerField()  # PostgreSQL's, of the erasure
    erased_at = models.DateTimeField()  # our clock

    class Meta:
        indexes = [
            models.Index(fields=["trace_id"], name="evidence_erasure_trace"),
            models.Index(fields=["transaction_id"], name="evidence_erasure_transaction"),
        ]

    def __str__(self) -> str:
        return f"{self.trace_id.hex} erased {self.erased_at:%Y-%m-%d}"


class ErasureCertificate(AppendOnlyModel):
    """What an erasure did, in the words its log entry is the digest of: what went, what stayed and why.

    It names digests, ids and counts, and no content of the subject.
    """

    SYSTEM_PATH = "erasure__system"
    PII = "actor"
    EVENT_PATH = ""

    erasure = models.OneToOneField(Erasure, on_delete=models.PROTECT, related_name="certificate")
    document = models.JSONField()  # as docs/decisions/0022-exact-erasure.md lists it
    digest = digest_field()  # of the document's canonical JSON (RFC 8785)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"certificate of {self.erasure_id}"


class Disposal(AppendOnlyModel):
    """What retention took away: a month of spans, or raw bodies, with what is left to recognise them by."""

    class Kind(models.TextChoices):
        SPANS = "spans"  # a partition of the span table
        BODIES = "bodies"  # raw request bodies of one signal

    SYSTEM_PATH = None
    NO_SYSTEM = "a month of spans, or of bodies, is that of every system"
    PII = "actor"
    EVENT_PATH = ""

    kind = models.CharField(max_length=10, choices=Kind.choices)
    subject = models.CharField(max_length=LABEL_LENGTH)  # the partition's name, or the signal
    period_from = models.DateTimeField(null=True)  # of the spans' start; None: from the first body
    period_to = models.DateTimeField()  # exclusive; of the spans' start, or of the bodies' receipt
    n_items = models.BigIntegerField()  # spans, or bodies
    # Over the digests of what is gone; docs/decisions/0008-erasure.md has the formula.
    digest = digest_field()
    reason = models.TextField()
    disposed_by = actor_field()
    disposed_at = models.DateTimeField()  # our clock

    class Meta:
        indexes = [models.Index(fields=["kind", "period_from"], name="evidence_disposal_period")]

    def __str__(self) -> str:
        return f"{self.subject}: {self.n_items} {self.kind}"


class DisposedRows(AppendOnlyModel):
    """What a disposal left of rows: their leaves, with which what bound them is still proved (`evidence.row_schemas`).

    One for each transaction that wrote some of them.
    """

    SYSTEM_PATH = None
    NO_SYSTEM = "a month of spans is disposed of for all systems"
    PII = "none"
    EVENT_PATH = "disposal"

    disposal = models.ForeignKey(Disposal, on_delete=models.PROTECT, related_name="rows")
    bound_in = models.BigIntegerField(null=True)  # the transaction that had written them
    bucket = models.BigIntegerField()  # of their keys, by which rows are adopted
    leaves = models.BinaryField()  # 32 bytes each

    class Meta:
        verbose_name_plural = "disposed rows"


class BlobRemoval(AppendOnlyModel):
    """A blob whose bytes were taken away. The file goes after this row is committed, and stays away."""

    SYSTEM_PATH = None
    NO_SYSTEM = "as the blob it removes, it holds a digest and belongs to its cause"
    PII = "actor"
    EVENT_PATH = ("erasure", "disposal")

    blob = models.OneToOneField(Blob, on_delete=models.PROTECT, primary_key=True, related_name="removal")
    erasure = models.ForeignKey(Erasure, on_delete=models.PROTECT, null=True, related_name="removed_blobs")
    disposal = models.ForeignKey(Disposal, on_delete=models.PROTECT, null=True, related_name="removed_blobs")
    # What is left of it without the subject's; other bytes, with a digest of their own.
    remainder = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, related_name="left_of")
    removed_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(erasure__isnull=True) ^ models.Q(disposal__isnull=True),
                name="evidence_blobremoval_one_cause",
            )
        ]
