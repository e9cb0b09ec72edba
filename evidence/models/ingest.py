"""What came in: requests, the items in them that were refused, and spans."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from evidence.models.base import (
    LABEL_LENGTH,
    SYSTEM_IDS,
    AppendOnlyModel,
    ErasableModel,
    StoredModel,
    digest_field,
    system_ids_field,
)
from evidence.models.system import AccessToken, System


class IngestBatch(AppendOnlyModel):
    """One OTLP request, as it was received and answered."""

    SYSTEM_PATH = SYSTEM_IDS
    PII = "payload"
    EVENT_PATH = ""

    token = models.ForeignKey(AccessToken, on_delete=models.PROTECT, related_name="batches")
    # Whose items it held; all that the token wrote to, where that of an item cannot be told or there was none.
    system_ids = system_ids_field()
    signal = models.CharField(max_length=10)  # of evidence.otlp.records.Signal
    encoding = models.CharField(max_length=10)  # "protobuf" or "json"
    body_digest = digest_field()  # of the decompressed body; its bytes are the blob of this digest
    n_items = models.PositiveIntegerField()  # spans or log records in the request
    n_accepted = models.PositiveIntegerField()  # stored now
    n_duplicate = models.PositiveIntegerField()  # stored before, with the same content
    n_rejected = models.PositiveIntegerField()  # in the reject ledger
    answer = models.JSONField()  # what the sender was told, so that sending it again is answered the same
    # Digests of the values moved out of its items: a row's word that it had one counts only where it is among them.
    # None: taken before this was kept, so its body has to say it.
    moved = ArrayField(digest_field(), null=True)
    received_at = models.DateTimeField()  # our clock

    class Meta:
        verbose_name_plural = "ingest batches"
        constraints = [
            models.UniqueConstraint(
                fields=["token", "signal", "body_digest"], name="evidence_ingestbatch_body"
            ),
        ]
        indexes = [
            models.Index(fields=["-received_at"], name="evidence_ingestbatch_newest"),
            GinIndex(fields=["system_ids"], name="evidence_ingestbatch_systems"),  # "those of my systems"
        ]


class Reject(ErasableModel):
    """An item that was refused, by itself, and why. Nothing is dropped in silence."""

    SYSTEM_PATH = "system"
    PII = "payload"
    EVENT_PATH = ("", "batch")

    system = models.ForeignKey(System, on_delete=models.PROTECT, null=True, related_name="rejects")
    batch = models.ForeignKey(IngestBatch, on_delete=models.PROTECT, null=True, related_name="rejects")
    source = models.CharField(max_length=20)  # of evidence.vocabulary.RejectSource
    # Where there is no batch: the eval run key; of a trace the release it names, or `ANY_RELEASE`.
    source_ref = models.CharField(max_length=LABEL_LENGTH, blank=True)
    code = models.CharField(max_length=50)  # stable; the list is in docs/reference/errors.md
    detail = models.TextField()
    trace_id = models.CharField(max_length=100, blank=True)  # as sent, which may be malformed
    span_id = models.CharField(max_length=100, blank=True)
    item_digest = digest_field(blank=True)
    item = models.JSONField(null=True)  # the refused item, escaped where PostgreSQL could not hold it
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["trace_id"], name="evidence_reject_trace"),  # of one trace, to read or erase
            models.Index(
                fields=["system", "source", "source_ref"],
                condition=~models.Q(source_ref=""),
                name="evidence_reject_source",  # of one eval run, which each assessment counts
            ),
        ]


class Span(AppendOnlyModel):
    """One OpenTelemetry span as it was sent. Partitioned by month of `started_at`; loaded by COPY."""

    SYSTEM_PATH = "system"
    PII = "payload"
    EVENT_PATH = "batch"

    # Checked by the loader, not by foreign keys: those would cost a lookup a span.
    system = models.ForeignKey(
        System, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="spans"
    )
    batch = models.ForeignKey(
        IngestBatch, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="spans"
    )
    trace_id = models.UUIDField()  # 16 bytes
    span_id = models.CharField(max_length=16)  # 8 bytes as lower-case hexadecimal
    parent_span_id = models.CharField(max_length=16, blank=True)  # empty: a root
    name = models.TextField()
    kind = models.SmallIntegerField()  # OTLP SpanKind, 0 when unstated
    started_at = models.DateTimeField()  # microseconds; the sender's clock
    start_ns = models.BigIntegerField()  # nanoseconds since the epoch, as sent
    end_ns = models.BigIntegerField()  # likewise
    status_code = models.SmallIntegerField()  # OTLP: 0 unset, 1 ok, 2 error
    status_message = models.TextField()
    attributes = models.JSONField()
    events = models.JSONField()
    links = models.JSONField()
    resource = models.JSONField()
    scope = models.JSONField()
    digest = digest_field()  # of the content, whichever encoding it came in: evidence.otlp.span_digest
    # 1: of the message, see there. The default is for servers from before the column; all others say what they write.
    digest_format = models.SmallIntegerField(db_default=1)
    received_at = models.DateTimeField()  # our clock

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["trace_id", "system", "span_id", "started_at"],
                name="evidence_span_identity_of_system",
            ),
        ]


class PendingTrace(StoredModel):
    """A work row: spans of this trace wait to be assembled. Removed when they have been.

    `generation` grows with each batch that touches the trace, so that spans that arrive while a worker is
    assembling leave the row in place.
    """

    SYSTEM_PATH = "system"
    PII = "none"
    WORK_ROW = "a queue: rows go when the trace is assembled"

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="pending_traces")
    trace_id = models.UUIDField()
    generation = models.BigIntegerField(default=1)
    # Attempts that began and did not finish it.
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    tried_at = models.DateTimeField(null=True)  # when the last attempt began; our clock
    root_ended = models.BooleanField(default=False)  # a span without a parent has arrived
    first_received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()
    # Somebody wants it read again by its system's reading, though its spans are those of its last revision.
    read_again = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "trace_id"], name="evidence_pendingtrace_once")
        ]
        indexes = [
            models.Index(fields=["last_received_at"], name="evidence_pendingtrace_due"),
            models.Index(
                fields=["attempts", "last_received_at"],
                condition=models.Q(attempts__gt=0),
                name="evidence_pendingtrace_tried",
            ),
        ]
