"""The audit log: events as they were written, and the Merkle tree over them (RFC 9162, C2SP tlog-tiles)."""

from __future__ import annotations

import uuid
from typing import Final

from django.db import models

from evidence.models.base import LABEL_LENGTH, AppendOnlyModel, StoredModel, actor_field, digest_field
from evidence.models.system import System

_OF_THE_TREE: Final = "part of the tree that the events make"
_ONE_LOG: Final = "the log is one for all systems and holds commitments only"


class AuditEvent(AppendOnlyModel):
    """Who did what to which object, when. Committed with the change itself.

    No foreign key leads to the object: the log outlives what it speaks of.
    """

    SYSTEM_PATH = "system"
    PII = "actor"
    EVENT_PATH = None
    NO_EVENT = "it is the event"

    event_uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    system = models.ForeignKey(System, on_delete=models.PROTECT, null=True, related_name="audit_events")
    actor = actor_field()
    verb = models.CharField(max_length=LABEL_LENGTH)  # "trace.sealed", "review.recorded"
    object_type = models.CharField(max_length=LABEL_LENGTH)  # "evidence.Trace"
    object_id = models.CharField(max_length=LABEL_LENGTH)
    object_digest = digest_field(blank=True)
    payload_commitment = digest_field(blank=True)  # SHA-256(0x00 ‖ salt ‖ payload bytes); see AuditPayload
    entry = models.BinaryField()  # the RFC 8785 bytes that are hashed into the tree; never re-serialised
    occurred_at = models.DateTimeField()  # our clock

    class Meta:
        indexes = [
            models.Index(fields=["object_type", "object_id"], name="evidence_auditevent_object"),
            # Of these alone, which exports look for: an index over all events would cost each of them.
            models.Index(
                fields=["system", "object_digest"],
                condition=models.Q(verb="binder.sealed"),
                name="evidence_auditevent_sealed",
            ),
            # The last of these says which key signs binders: asked by each export and each `/readyz`.
            models.Index(
                fields=["id"],
                condition=models.Q(verb="binder_key.rotated"),
                name="evidence_auditevent_rotated",
            ),
        ]


class OpenBinding(StoredModel):
    """A transaction that has written rows and is not committed: when it is, its rows are bound and this row goes.

    So nobody ever sees one (`evidence.binding_rules`).
    """

    SYSTEM_PATH = None
    NO_SYSTEM = "a transaction may write rows of several systems"
    PII = "none"
    WORK_ROW = "it goes in the transaction that it stands for"

    xact_id = models.BigIntegerField(primary_key=True)


class AuditPayload(StoredModel):
    """The erasable half of an event: its details and the salt that commits the log to them."""

    SYSTEM_PATH = "event__system"
    PII = "payload"
    WORK_ROW = "the erasable half of an event; the log holds a commitment to it"

    event = models.OneToOneField(
        AuditEvent, on_delete=models.PROTECT, primary_key=True, related_name="payload"
    )
    salt = models.BinaryField()  # 32 random bytes
    payload = models.BinaryField()  # RFC 8785 bytes


class Leaf(AppendOnlyModel):
    """An event's place in the log."""

    SYSTEM_PATH = None
    NO_SYSTEM = _ONE_LOG
    PII = "none"
    EVENT_PATH = None
    NO_EVENT = _OF_THE_TREE

    seq = models.BigIntegerField(primary_key=True)  # dense from 0
    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, related_name="leaf")
    stream = models.CharField(max_length=LABEL_LENGTH)  # the system's key, or "*": no key can be that
    stream_seq = models.BigIntegerField()  # dense from 0 within the stream
    leaf_hash = models.BinaryField()  # 32 bytes: SHA-256(0x00 ‖ entry)

    class Meta:
        verbose_name_plural = "leaves"
        constraints = [
            models.UniqueConstraint(fields=["stream", "stream_seq"], name="evidence_leaf_stream_order")
        ]


class Tile(AppendOnlyModel):
    """Up to 256 consecutive hashes of one level. A partial tile is followed by a wider row, never changed."""

    SYSTEM_PATH = None
    NO_SYSTEM = _ONE_LOG
    PII = "none"
    EVENT_PATH = None
    NO_EVENT = _OF_THE_TREE

    level = models.PositiveSmallIntegerField()
    index = models.BigIntegerField()
    width = models.PositiveSmallIntegerField()  # 1..256 hashes
    hashes = models.BinaryField()  # width * 32 bytes

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["level", "index", "width"], name="evidence_tile_place")
        ]


class Checkpoint(AppendOnlyModel):
    """A signed tree head (C2SP signed note), without what others signed below it."""

    SYSTEM_PATH = None
    NO_SYSTEM = _ONE_LOG
    PII = "none"
    EVENT_PATH = None
    NO_EVENT = _OF_THE_TREE

    size = models.BigIntegerField(unique=True)  # leaves
    root = models.BinaryField()  # 32 bytes
    note = models.TextField()  # as signed
    created_at = models.DateTimeField()


class Cosignature(AppendOnlyModel):
    """A witness's signature below a checkpoint: it saw that the log only grew (C2SP tlog-cosignature v1)."""

    SYSTEM_PATH = None
    NO_SYSTEM = _ONE_LOG
    PII = "none"
    EVENT_PATH = None
    NO_EVENT = "signed by somebody else, and an event of it would ask for the next one"

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="cosignatures")
    vkey = models.CharField(max_length=LABEL_LENGTH)  # of the witness, as configured then
    line = models.TextField()  # the signature line, with its newline
    cosigned_at = models.DateTimeField()  # by the witness's clock
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "vkey"], name="evidence_cosignature_one_a_witness")
        ]


class CheckpointTimestamp(AppendOnlyModel):
    """A time-stamp of an authority over a checkpoint's text (RFC 3161): it existed by then."""

    SYSTEM_PATH = None
    NO_SYSTEM = _ONE_LOG
    PII = "none"
    EVENT_PATH = None
    NO_EVENT = "signed by somebody else, and an event of it would ask for the next one"

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="timestamps")
    authority = models.URLField()  # where it was asked for
    response = models.BinaryField()  # DER of the TimeStampResp
    stamped_at = models.DateTimeField()  # by the authority's clock
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["checkpoint", "authority"], name="evidence_checkpointtimestamp_one_an_authority"
            )
        ]
