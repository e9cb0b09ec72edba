"""Audit events: written in the transaction of the change they speak of, or the change does not happen."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

from evidence import clock
from evidence.digests import canonical_json, sha256_hex
from evidence.errors import EvidenceError
from evidence.models import AuditEvent, AuditPayload, System
from evidence.worded import worded


class AuditOutsideTransaction(EvidenceError):
    """A change would have been recorded apart from itself: a programming error, caught at once."""

    code = "audit_outside_transaction"
    http_status = 500
    title = "A change was about to be recorded outside its transaction"


@dataclass(frozen=True, slots=True)
class Change:
    """One of many changes of the same kind: the saved row, its system, and what its content digests to."""

    obj: models.Model
    system: System
    digest: str = ""


def record(
    *,
    verb: str,
    actor: str,
    obj: models.Model,
    system: System | None = None,
    digest: str = "",
    payload: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Write the event of a change, inside the change's own transaction.

    Args:
        verb: what happened, "noun.verbed": "review.recorded".
        actor: who did it, in the form of `evidence.actors`.
        obj: the row it happened to; it must have been saved.
        digest: what the object's content digests to, where it has one.
        payload: details that may have to be erased one day. The log holds only a salted commitment to them.

    Raises:
        AuditOutsideTransaction: there is no transaction to share.
    """
    _require_transaction(verb)
    salt, body = secrets.token_bytes(32), canonical_json(payload) if payload else b""
    event = AuditEvent(
        event_uuid=uuid.uuid4(),
        system=system,
        actor=actor,
        verb=verb,
        object_type=obj._meta.label,
        object_id=str(obj.pk),
        object_digest=digest,
        payload_commitment=sha256_hex(b"\x00" + salt + body) if payload else "",
        occurred_at=clock.now(),
    )
    event.entry = _entry(event, system)
    event.save(force_insert=True)
    if payload:
        AuditPayload.objects.create(event=event, salt=salt, payload=body)
    return event


def record_about(*, verb: str, actor: str, object_type: str, object_id: str, digest: str = "") -> AuditEvent:
    """Write the event of something that is no row and of no system, without a payload; otherwise as `record`.

    Args:
        object_type, object_id: what it is about, in the words of docs/reference/log.md.

    Raises:
        AuditOutsideTransaction: there is no transaction to share.
    """
    _require_transaction(verb)
    event = AuditEvent(
        event_uuid=uuid.uuid4(),
        actor=actor,
        verb=verb,
        object_type=object_type,
        object_id=object_id,
        object_digest=digest,
        occurred_at=clock.now(),
    )
    event.entry = _entry(event, None)
    event.save(force_insert=True)
    return event


def record_many(*, verb: str, actor: str, changes: Sequence[Change]) -> None:
    """Write the events of many changes of one kind with one statement, without payloads; otherwise as `record`.

    Raises:
        AuditOutsideTransaction: there is no transaction to share.
    """
    _require_transaction(verb)
    now = clock.now()
    events = [
        AuditEvent.unsaved(
            event_uuid=uuid.uuid4(),
            actor=actor,
            verb=verb,
            object_type=change.obj._meta.label,
            object_id=str(change.obj.pk),
            object_digest=change.digest,
            occurred_at=now,
            system_id=change.system.pk,
        )
        for change in changes
    ]
    for event, change in zip(events, changes, strict=True):
        event.entry = _entry(event, change.system)
    AuditEvent.objects.insert_as_arrays(events)


def _require_transaction(verb: str) -> None:
    if not connection.in_atomic_block:
        raise AuditOutsideTransaction(
            worded("%(verb)s: call audit.record inside transaction.atomic() with the change.", verb=verb)
        )


def _entry(event: AuditEvent, system: System | None) -> bytes:
    """Return the bytes that go into the tree: digests and pseudonyms, never content."""
    return canonical_json(
        {
            "event": str(event.event_uuid),
            "system": system.key if system else None,
            "actor": event.actor,
            "verb": event.verb,
            "object": {"type": event.object_type, "id": event.object_id, "digest": event.object_digest},
            "payload_commitment": event.payload_commitment,
            "occurred_at": event.occurred_at.isoformat(),
        }
    )
