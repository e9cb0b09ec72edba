"""OTLP requests in: kept raw by digest, decoded, stored item by item, recorded, answered.

One request is one transaction and one `IngestBatch`. What a 200 acknowledges is committed. The same body from the
same token is answered from its batch, so sending it again changes nothing and gets the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from django.conf import settings
from django.db import IntegrityError, transaction

from evidence import acts, clock
from evidence.access import Principal
from evidence.digests import sha256_hex
from evidence.locks import Lock, hold_each
from evidence.models import AccessToken, Blob, IngestBatch, Reject, System
from evidence.otlp.body import PlainBody, unpack_body
from evidence.otlp.decode import decode_logs, decode_traces, describe_unread
from evidence.otlp.errors import RejectCode, UndecodableBody
from evidence.otlp.limits import Limits
from evidence.otlp.logs import NOTHING_KEPT
from evidence.otlp.records import AttributeBlob, LogBatch, RejectRecord, Signal
from evidence.otlp.remainder import Inseparable, without_items
from evidence.otlp.replies import CONTENT_TYPES, Reason, describe_outcome, encode_reply
from evidence.prepared import prepared_cursor
from evidence.services import audit
from evidence.services.blobs import store_blob
from evidence.services.ingest.admission import admitted
from evidence.services.ingest.evaluations import store_evaluations
from evidence.services.ingest.spans import copy_spans, mark_traces, sort_spans
from evidence.services.ingest.systems import WritableSystems
from evidence.vocabulary import RejectSource
from evidence.worded import worded

_ATTEMPTS: Final = 3  # transactions before a clash with another sender is reported as an error
_FIND_BATCH: Final = (
    "SELECT id FROM evidence_ingestbatch WHERE token_id = %s::bigint AND signal = %s AND body_digest = %s"
)
_SOURCES: Final = {Signal.TRACES: RejectSource.SPAN, Signal.LOGS: RejectSource.LOG}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender is told."""

    reply: bytes
    content_type: str
    batch: IngestBatch


@dataclass(frozen=True, slots=True)
class _Posted:
    """One request on its way into the database."""

    body: PlainBody
    digest: str
    signal: Signal
    token: AccessToken
    principal: Principal
    limits: Limits
    received_at: datetime


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of the items of one request."""

    n_items: int
    n_accepted: int
    n_duplicate: int
    rejects: Sequence[RejectRecord]
    system_ids: frozenset[int]  # of the items that were not refused
    moved: Sequence[AttributeBlob] = ()
    unread: str = ""  # fields that nobody knows, in words


def read_limits() -> Limits:
    """Return the limits of ingest as the settings have them."""
    return Limits(
        body_bytes=settings.OTLP_MAX_BODY,
        decoded_bytes=settings.OTLP_MAX_DECOMPRESSED,
        gzip_ratio=settings.OTLP_MAX_RATIO,
        gzip_members=settings.OTLP_MAX_MEMBERS,
        items=settings.OTLP_MAX_SPANS,
        attribute_bytes=settings.OTLP_MAX_ATTRIBUTE,
        nesting_levels=settings.OTLP_MAX_NESTING,
        clock_skew_ns=settings.OTLP_MAX_CLOCK_SKEW * 1_000_000_000,
        keep_app_logs=settings.OTLP_KEEP_APP_LOGS,
    )


def ingest_traces(*, body: bytes, content_type: str, content_encoding: str, principal: Principal) -> Receipt:
    """Store the spans of one export request.

    Every span is stored, known already, or in the reject ledger with its reason. Spans of systems that the token
    may not write to are refused alone.

    Raises:
        OtlpError: the request as a whole cannot be taken; nothing is stored.
        IngestBusy: too many requests at once; sending it again later helps.
        AccessDenied: as `acts.check_can_ingest` does.
    """
    limits = read_limits()
    plain = unpack_body(body, content_type=content_type, content_encoding=content_encoding, limits=limits)
    with admitted():
        return _take(plain, Signal.TRACES, principal, limits, _store_traces)


def ingest_logs(*, body: bytes, content_type: str, content_encoding: str, principal: Principal) -> Receipt:
    """Store the GenAI events of one logs export request; other records go to the reject ledger, without their text.

    Raises:
        OtlpError, IngestBusy, AccessDenied: as `ingest_traces` does.
    """
    limits = read_limits()
    plain = unpack_body(body, content_type=content_type, content_encoding=content_encoding, limits=limits)
    with admitted():
        return _take(plain, Signal.LOGS, principal, limits, _store_logs)


def _take(
    body: PlainBody,
    signal: Signal,
    principal: Principal,
    limits: Limits,
    store: Callable[[_Posted], IngestBatch],
) -> Receipt:
    """Answer from the batch of this body, stored first where there is none."""
    acts.check_can_ingest(principal)
    posted = _Posted(body, sha256_hex(body.data), signal, principal.machine, principal, limits, clock.now())
    for _ in range(_ATTEMPTS - 1):
        try:
            return _take_once(posted, store)
        except IntegrityError:
            continue  # another sender has committed this body or one of its spans since we looked: look again
    return _take_once(posted, store)


def _take_once(posted: _Posted, store: Callable[[_Posted], IngestBatch]) -> Receipt:
    batch = _find_batch(posted) or store(posted)
    answer: dict[str, Any] = batch.answer
    encoding = posted.body.encoding
    reply = encode_reply(
        signal=posted.signal, encoding=encoding, n_rejected=answer["n_rejected"], message=answer["message"]
    )
    return Receipt(reply, CONTENT_TYPES[encoding], batch)


def _find_batch(posted: _Posted) -> IngestBatch | None:
    """Return the batch of this body. Nearly always there is none, so the question is asked as cheaply as can be."""
    with prepared_cursor() as cursor:
        cursor.execute(_FIND_BATCH, [posted.token.pk, posted.signal, posted.digest])
        row = cursor.fetchone()
    return IngestBatch.objects.get(pk=row[0]) if row else None


@transaction.atomic
def _store_traces(posted: _Posted) -> IngestBatch:
    decoded = decode_traces(posted.body, posted.limits)
    _store_body(posted)
    systems = WritableSystems.of(posted.principal)
    spans, refused = systems.claim_spans(decoded.spans, posted.limits)
    rejects = [*decoded.rejects, *refused]
    told = systems.traces_of(rejects)
    mark_traces(spans, posted.received_at, refused=told)
    _store_moved(decoded.blobs)
    found = sort_spans(spans, posted.limits, refused=told)
    written_to = frozenset(system_id for system_id, _ in spans)
    outcome = _Outcome(
        n_items=decoded.n_items,
        n_accepted=len(found.new),
        n_duplicate=found.n_duplicate,
        rejects=[*rejects, *found.conflicts],
        system_ids=written_to,
        moved=decoded.blobs,
        unread=describe_unread(decoded.unread),
    )
    batch = _record_batch(posted, outcome, systems)
    copy_spans(found.new, batch)
    return batch


@transaction.atomic
def _store_logs(posted: _Posted) -> IngestBatch:
    decoded = decode_logs(posted.body, posted.limits)
    raw = _store_logs_body(posted, decoded)
    systems = WritableSystems.of(posted.principal)
    evaluations, refused = systems.claim_evaluations(decoded.evaluations, posted.limits)
    events, refused_events = systems.claim_spans(decoded.events, posted.limits)
    rejects = [*decoded.rejects, *refused, *refused_events]
    told = systems.traces_of(one for one in rejects if one.code is not RejectCode.UNSUPPORTED_LOG_RECORD)
    mark_traces(events, posted.received_at, refused=told)
    _store_moved(decoded.blobs)
    found = sort_spans(events, posted.limits, refused=told)
    n_samples = 0
    if evaluations and raw is not None:
        n_samples = store_evaluations(
            evaluations, raw=raw, received_at=posted.received_at, actor=posted.principal.actor
        )
    written_to = frozenset(system.pk for system, _ in evaluations) | {system_id for system_id, _ in events}
    outcome = _Outcome(
        n_items=decoded.n_items,
        n_accepted=n_samples + len(found.new),
        n_duplicate=len(evaluations) - n_samples + found.n_duplicate,
        rejects=[*rejects, *found.conflicts],
        system_ids=written_to,
        moved=decoded.blobs,
        unread=describe_unread(decoded.unread),
    )
    batch = _record_batch(posted, outcome, systems)
    copy_spans(found.new, batch)
    return batch


def _store_body(posted: _Posted) -> Blob:
    """Keep the raw body; durable before anything is acknowledged."""
    return store_blob(posted.body.data, posted.body.media_type, digest=posted.digest)


def _store_logs_body(posted: _Posted, decoded: LogBatch) -> Blob | None:
    """Keep the raw body. With lines that an application logged it is not kept: rows say what was taken from it.

    Evaluations are kept with a file that has them, so of these that is kept, without the lines. None: nothing is.

    Raises:
        UndecodableBody: it cannot be taken apart.
    """
    forgotten = {reject.position for reject in decoded.rejects if reject.item == NOTHING_KEPT}
    if not forgotten:
        return _store_body(posted)
    if not decoded.evaluations:
        return None
    forgotten |= {event.position for event in decoded.events}
    try:
        left = without_items(posted.body, Signal.LOGS, forgotten)
    except Inseparable as exc:
        raise UndecodableBody(
            worded(
                "the body mixes GenAI events with application logs and cannot be taken apart: send "
                "them in requests of their own",
            )
        ) from exc
    return store_blob(left, posted.body.media_type)


def _store_moved(moved: Iterable[AttributeBlob]) -> None:
    """Keep the values moved out of rows, while no erasure takes the same bytes away. After the traces are locked."""
    by_digest = {blob.digest: blob for blob in moved}
    hold_each(Lock.BLOB, ((digest,) for digest in by_digest))
    for blob in by_digest.values():
        store_blob(blob.data, blob.media_type, digest=blob.digest)


def _record_batch(posted: _Posted, outcome: _Outcome, systems: WritableSystems) -> IngestBatch:
    """Write the batch, its refusals and its audit event."""
    rejects = sorted(outcome.rejects, key=lambda reject: reject.position)
    counts = {
        "n_items": outcome.n_items,
        "n_accepted": outcome.n_accepted,
        "n_duplicate": outcome.n_duplicate,
        "n_rejected": len(rejects),
    }
    reasons = [Reason(reject.position, reject.code, reject.detail) for reject in rejects]
    message = describe_outcome(
        reasons, n_items=outcome.n_items, moved=outcome.moved, limits=posted.limits, unread=outcome.unread
    )
    spoken_of = systems.spoken_of(outcome.system_ids, rejects)
    batch = IngestBatch.objects.create(
        token=posted.token,
        system_ids=sorted(system.pk for system in spoken_of),
        signal=posted.signal,
        encoding=posted.body.encoding,
        body_digest=posted.digest,
        answer={"n_rejected": len(rejects), "message": message},
        moved=sorted({blob.digest for blob in outcome.moved}),
        received_at=posted.received_at,
        **counts,
    )
    Reject.objects.bulk_create(_make_reject(reject, batch, systems.of_reject(reject)) for reject in rejects)
    audit.record(
        verb="ingest_batch.stored",
        actor=posted.principal.actor,
        obj=batch,
        system=spoken_of[0] if len(spoken_of) == 1 else None,
        digest=posted.digest,
        payload={"signal": posted.signal, **counts},
    )
    return batch


def _make_reject(reject: RejectRecord, batch: IngestBatch, system: System | None) -> Reject:
    return Reject(
        system=system,
        batch=batch,
        source=_SOURCES[Signal(batch.signal)],
        code=reject.code,
        detail=reject.detail,
        trace_id=reject.trace_id or "",
        span_id=reject.span_id or "",
        item_digest=reject.item_digest,
        item=orjson.loads(reject.item),
    )
