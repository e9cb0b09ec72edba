"""Erasing what a trace said, while everything that proves it was there stays.

Payload goes from the rows of the trace (all revisions), from the details of audit events with their salts, and
from the blob store: raw bodies that hold the trace, values moved out of its spans, eval files with its samples.
Digests, times, versions, verdicts and facts stay, and a tombstone says who erased it, when and why. The log holds
digests and salted commitments only, so it verifies as before. Binders that were exported are not touched: they
are signed and may be anywhere; the report names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Min, Q

from evidence import acts, locks
from evidence.access import Principal
from evidence.digests import DIGEST_PREFIX
from evidence.errors import BlobErased, BlobMissing, DigestMismatch, InvalidInput, LegalHoldInForce, NotFound
from evidence.models import (
    AccessToken,
    Adjudication,
    ArtefactVersion,
    AuditPayload,
    Binder,
    Erasure,
    EvalRun,
    IngestBatch,
    Reject,
    Review,
    ReviewTask,
    Span,
    System,
    Trace,
)
from evidence.otlp.records import Signal
from evidence.otlp.values import BLOB_KEY
from evidence.selectors.spans import with_attributes
from evidence.services import audit
from evidence.services.assembly import trace_kept_still
from evidence.services.blobs import read_blob
from evidence.services.disposal.blob_removal import remove_blobs

_SENT_BEFORE: Final = timedelta(days=1)  # how far a sender's clock may run ahead of ours


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """What was erased, and where copies may be left."""

    erasure: Erasure
    removed_blobs: list[str]  # digests of bodies, values and eval files that are gone
    shared_blobs: list[str]  # kept: a registered version or a binder is the same bytes
    binders: list[str]  # file names of exported binders that may hold the trace


@dataclass(frozen=True, slots=True)
class SubjectReport:
    """What became of the traces of one data subject."""

    erased: list[ErasureReport] = field(default_factory=list)
    held: list[tuple[UUID, str]] = field(default_factory=list)  # trace id and why it is kept


@transaction.atomic
def erase_trace_payload(
    *, principal: Principal, system: System, trace_id: UUID, reason: str
) -> ErasureReport:
    """Erase the payload of one trace, all its revisions, and leave a tombstone. Repeating it erases late spans, too.

    Args:
        reason: names no person, because the tombstone is kept: "request 2026-17".

    Raises:
        AccessDenied: as `acts.check_can_erase` does.
        InvalidInput: no reason.
        NotFound: the system has neither spans nor a trace of this id, or is none of the principal's.
        LegalHoldInForce: the trace began in a period that is held.
    """
    acts.check_can_erase(principal, system)
    if not reason.strip():
        raise InvalidInput("An erasure says why: give a reason, without naming the person.")
    with trace_kept_still(system.pk, trace_id):
        locks.hold(locks.Lock.DISPOSAL)
        traces = list(Trace.objects.filter(system=system, trace_id=trace_id).order_by("revision"))
        acts.check_can_erase_period(principal, system, *_when_it_began(system, trace_id, traces))
        blobs = {*_moved_values(system, trace_id), *_bodies(system, trace_id), *_eval_files(system, trace_id)}
        erasure = _erase_rows(system, trace_id, reason, principal.actor)
        _erase_event_details(system, trace_id, traces)
        shared = _shared(blobs)
        removed = remove_blobs(sorted(blobs - shared), erasure=erasure, actor=principal.actor)
        report = ErasureReport(erasure, removed, sorted(shared), _binders_with(traces))
        audit.record(
            verb="trace.erased",
            actor=principal.actor,
            obj=erasure,
            system=system,
            digest=traces[-1].digest if traces else "",
            payload={
                "trace_id": trace_id.hex,
                "reason": reason,
                "removed_blobs": report.removed_blobs,
                "shared_blobs": report.shared_blobs,
                "binders": report.binders,
            },
        )
    return report


def erase_subject(
    *, principal: Principal, system: System, attribute: str, value: str, reason: str
) -> SubjectReport:
    """Erase every trace of a system that has a span with this attribute, e.g. `enduser.id`, as text or as number.

    Each trace is erased by itself; one under a legal hold is kept and named. Reads all spans of the system: there
    is no index for it, because ingest would pay for that one.

    Raises:
        AccessDenied: as `acts.check_can_erase` does.
        InvalidInput: no attribute is named, or no value: an empty one would be everybody's who gave none.
        NotFound: no span has the attribute with this value, or the system is none of the principal's.
    """
    acts.check_can_erase(principal, system)
    if not value.strip():
        raise InvalidInput("An erasure names whose traces: give the attribute with its value, as key=value.")
    spans = with_attributes(Span.objects.filter(system=system), [f"{attribute}={value}"])
    trace_ids = sorted(set(spans.values_list("trace_id", flat=True)))
    if not trace_ids:
        raise NotFound(f"No span of {system.key!r} has this value of {attribute!r}.")
    report = SubjectReport()
    for trace_id in trace_ids:
        try:
            report.erased.append(
                erase_trace_payload(principal=principal, system=system, trace_id=trace_id, reason=reason)
            )
        except LegalHoldInForce as exc:
            report.held.append((trace_id, str(exc)))
    return report


def _when_it_began(system: System, trace_id: UUID, traces: list[Trace]) -> tuple[datetime, datetime]:
    """Return the earliest and the latest time at which a span or revision of the trace began."""
    spans = Span.objects.filter(system=system, trace_id=trace_id)
    times = spans.aggregate(first=Min("started_at"), last=Max("started_at"))
    starts = [trace.started_at for trace in traces] + [time for time in times.values() if time is not None]
    if not starts:
        raise NotFound(f"There is no trace {trace_id.hex} of {system.key!r}.")
    return min(starts), max(starts)


def _erase_rows(system: System, trace_id: UUID, reason: str, actor: str) -> Erasure:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tracebinder_erase_trace(%s, %s, %s, %s)", [system.pk, trace_id, reason, actor])
        (pk,) = cursor.fetchone() or (0,)
    return Erasure.objects.select_related("system").get(pk=pk)


def _erase_event_details(system: System, trace_id: UUID, traces: Iterable[Trace]) -> None:
    """Delete details and salts of the events about the trace, its reviews and its refused items."""
    tasks = ReviewTask.objects.filter(trace__in=[trace.pk for trace in traces])
    objects = {
        "evidence.Trace": [trace.pk for trace in traces],
        "evidence.ReviewTask": tasks.values_list("pk", flat=True),
        "evidence.Review": Review.objects.filter(task__in=tasks).values_list("pk", flat=True),
        "evidence.Adjudication": Adjudication.objects.filter(task__in=tasks).values_list("pk", flat=True),
        "evidence.Reject": Reject.objects.filter(system=system, trace_id=trace_id.hex).values_list(
            "pk", flat=True
        ),
    }
    for label, pks in objects.items():
        events = AuditPayload.objects.filter(
            event__object_type=label, event__object_id__in=[str(pk) for pk in pks]
        )
        events.delete()


def _moved_values(system: System, trace_id: UUID) -> Iterator[str]:
    """Yield the digests of values that ingest moved out of the trace's spans."""
    spans = Span.objects.filter(system=system, trace_id=trace_id)
    for columns in spans.values_list("attributes", "events", "links", "resource", "scope"):
        yield from _find_markers(columns)


def _find_markers(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(digest := value.get(BLOB_KEY), str):
            yield digest.removeprefix(DIGEST_PREFIX)
        value = value.values()
    elif not isinstance(value, list | tuple):
        return
    for item in value:
        yield from _find_markers(item)


def _bodies(system: System, trace_id: UUID) -> Iterator[str]:
    """Yield the digests of the raw bodies that hold the trace, with whatever else they hold.

    The spans name the batch that stored them. A batch that brought them again, or brought refused spans or
    evaluations of the trace, is found by looking for the trace id in its body.
    """
    spans = Span.objects.filter(system=system, trace_id=trace_id)
    batches = set(spans.values_list("batch_id", flat=True))
    yield from IngestBatch.objects.filter(pk__in=batches).values_list("body_digest", flat=True)
    first = spans.aggregate(first=Min("received_at"))["first"]
    tokens = AccessToken.systems.through.objects.filter(system=system).values("accesstoken")
    others = IngestBatch.objects.filter(
        Q(n_duplicate__gt=0) | Q(n_rejected__gt=0) | Q(signal=Signal.LOGS), token__in=tokens
    ).exclude(pk__in=batches)
    if first is not None:
        others = others.filter(received_at__gte=first - _SENT_BEFORE)
    for digest in others.values_list("body_digest", flat=True).iterator(100):
        if _mentions(digest, trace_id):
            yield digest


def _mentions(digest: str, trace_id: UUID) -> bool:
    """Whether a body holds the trace id as protobuf (bytes) or JSON (hexadecimal) writes it."""
    try:
        body = read_blob(digest)
    except (BlobErased, BlobMissing, DigestMismatch):  # nothing left in it to erase
        return False
    return trace_id.bytes in body or trace_id.hex.encode() in body.lower()


def _eval_files(system: System, trace_id: UUID) -> Iterator[str]:
    """Yield the digests of eval files with samples of the trace."""
    runs = EvalRun.objects.filter(system=system, samples__trace_id=trace_id)
    yield from runs.values_list("raw_id", flat=True).distinct()


def _shared(digests: set[str]) -> set[str]:
    """Return the blobs that are also what somebody registered or exported: not the subject's alone."""
    registered = ArtefactVersion.objects.filter(blob__in=digests).values_list("blob_id", flat=True)
    exported = Binder.objects.filter(archive__in=digests).values_list("archive_id", flat=True)
    return {str(digest) for digest in (*registered, *exported)}


def _binders_with(traces: Iterable[Trace]) -> list[str]:
    """Return the exported binders whose scope covers a revision of the trace."""
    names: set[str] = set()
    for trace in traces:
        covering = Binder.objects.filter(
            system=trace.system_id,
            period_from__lte=trace.started_at,
            period_to__gt=trace.started_at,
            as_of__gte=trace.sealed_at,
        )
        names.update(covering.values_list("file_name", flat=True))
    return sorted(names)
