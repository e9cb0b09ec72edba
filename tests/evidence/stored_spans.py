"""Spans put into the database as ingest leaves them, with the work row that asks for assembly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from evidence.models import IngestBatch, PendingTrace, Span, System
from evidence.services import audit

LONG_AGO = timedelta(seconds=60)
BASE_NS = 1_800_000_000_000_000_000  # 2027-01-15
NEVER_SENT = 0  # spans of these tests belong to no batch


@transaction.atomic
def store_spans(
    system: System,
    trace_id: UUID,
    spans: Sequence[dict[str, Any]],
    *,
    received_at: datetime | None = None,
    asks: bool = True,
) -> None:
    """Store spans made by `semconv_spans`, received a minute ago unless said otherwise.

    Args:
        asks: whether the work row is written, too; a request that has not come to it yet has no part in assembly.
    """
    received = received_at or timezone.now() - LONG_AGO
    Span.objects.bulk_create(_row(system, trace_id, span, received) for span in spans)
    # As a request's event explains its spans.
    audit.record(verb="batch.ingested", actor="system:test", obj=IngestBatch(pk=NEVER_SENT))
    if not asks:
        return
    root_ended = any(not span["parent_span_id"] for span in spans)
    pending, created = PendingTrace.objects.get_or_create(
        system=system,
        trace_id=trace_id,
        defaults={"root_ended": root_ended, "first_received_at": received, "last_received_at": received},
    )
    if not created:
        PendingTrace.objects.filter(pk=pending.pk).update(
            generation=F("generation") + 1,
            last_received_at=received,
            root_ended=pending.root_ended or root_ended,
        )


def _row(system: System, trace_id: UUID, span: dict[str, Any], received: datetime) -> Span:
    start = BASE_NS + span["start_ns"] * 1_000_000
    return Span(
        system=system,
        batch_id=NEVER_SENT,
        trace_id=trace_id,
        span_id=span["span_id"],
        parent_span_id=span["parent_span_id"],
        name=span["name"],
        kind=0,
        started_at=datetime.fromtimestamp(start / 1e9, tz=UTC),
        start_ns=start,
        end_ns=start + 1_000_000,
        status_code=span["status_code"],
        status_message=span["status_message"],
        attributes=span["attributes"],
        events=span["events"],
        links=[],
        resource=span["resource"],
        scope=span.get("scope", {}),
        digest=span["digest"],
        digest_format=1,  # made up: nothing these rows hold
        received_at=received,
    )
