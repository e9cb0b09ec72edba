"""The requests that a trace came in, and what is left of each without it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import cast
from uuid import UUID

from django.db.models import Q, QuerySet

from evidence.errors import BlobErased, BlobMissing, DigestMismatch
from evidence.models import (
    Blob,
    BlobRemoval,
    Disposal,
    IngestBatch,
    LegalHold,
    ServiceName,
    Span,
    System,
    Trace,
)
from evidence.otlp.body import PlainBody
from evidence.otlp.errors import OtlpError
from evidence.otlp.records import Encoding, RejectRecord, Signal, SpanRecord
from evidence.otlp.remainder import Inseparable, Item, read_items, without_items
from evidence.redaction import Subject
from evidence.selectors.holds import active_holds, find_hold
from evidence.services.blobs import GONE, originals_of, read_blob
from evidence.services.disposal.blob_plans import BlobPlan, Looks, Role, Stay, remainder_of
from evidence.services.disposal.refused import refused_of
from evidence.services.disposal.uses import find_value_of_others, forms_of, why_kept
from evidence.services.moved_values import digests_in, moved_by


@dataclass(slots=True)
class BodiesPlan:
    """What becomes of the bodies of a trace."""

    found: list[BlobPlan | Stay] = field(default_factory=list)
    values: set[str] = field(
        default_factory=set
    )  # digests of what its spans said there: large ones were moved


@dataclass(frozen=True, slots=True)
class _Body:
    """The bytes of some requests, as they are now."""

    digest: str
    plain: PlainBody
    batches: Sequence[IngestBatch]

    @property
    def signal(self) -> Signal:
        return Signal(self.batches[0].signal)

    @property
    def system_ids(self) -> set[int]:
        """Systems whose items it holds, or may hold."""
        return {pk for batch in self.batches for pk in batch.system_ids}


def plan_bodies(
    system: System, subject: Subject, looks: Looks, *, gone: Collection[UUID], refused: Sequence[int]
) -> BodiesPlan:
    """Return what becomes of each request that holds something of a trace, and of what is left of one by now.

    Args:
        gone: traces of the system that are erased before this one.
        refused: keys of refused items that are erased as copies.
    """
    plan, erased = BodiesPlan(), [subject.trace_id, *gone]
    for digest in dict.fromkeys(
        form for original in find_bodies(system, subject, looks) for form in forms_of(original)
    ):
        try:
            data = read_blob(digest)
        except BlobErased:
            continue
        except (BlobMissing, DigestMismatch):
            plan.found.append(BlobPlan(Role.BODY, digest))  # was lost: it is not to come back
            continue
        if why := why_kept(digest, system) or find_value_of_others(
            digest, system, but=erased, but_refused=refused
        ):
            plan.found.append(Stay(f"{Role.BODY} {digest}", why))
            continue
        batches = list(IngestBatch.objects.filter(body_digest__in=originals_of(digest)).order_by("pk"))
        body = _Body(digest, PlainBody(data, cast("Encoding", batches[0].encoding)), batches)
        if (found := _plan_body(system, subject, body, plan.values, looks)) is not None:
            plan.found.append(found)
    return plan


def find_bodies(system: System, subject: Subject, looks: Looks) -> Iterator[str]:
    """Yield the digests of the requests that may hold items of the trace, or words of it in items of none.

    Spans and refusals name the request that brought them. One that brought them again, or brought evaluations of the
    trace, is found by looking for the trace id and the words in its body, however old it is. Where spans of the trace
    went by retention, nobody can say any more which requests brought them, and every body of the system is searched.
    """
    spans = Span.objects.filter(system=system, trace_id=subject.trace_id)
    known = {
        *spans.values_list("batch_id", flat=True),
        *refused_of(system, subject.trace_id).filter(batch__isnull=False).values_list("batch_id", flat=True),
    }
    kept = Blob.objects.values("pk")  # of a request with application logs, no body is
    of_rows = IngestBatch.objects.filter(pk__in=known, body_digest__in=kept)
    yield from of_rows.values_list("body_digest", flat=True)
    others = IngestBatch.objects.filter(system_ids__contains=[system.pk]).exclude(pk__in=known)
    if not _spans_went(system, subject, spans):
        others = others.filter(Q(n_duplicate__gt=0) | Q(n_rejected__gt=0) | Q(signal=Signal.LOGS))
    for digest in others.values_list("body_digest", flat=True).iterator(100):
        forms = forms_of(digest)
        if any(looks.once(form, ("mentions", subject), partial(_mentions, form, subject)) for form in forms):
            yield digest


def is_of(subject: Subject, item: Item) -> bool:
    """Whether an item is of the trace, or of none and holds its words."""
    if item.trace_id:
        return item.trace_id.lower().replace("-", "") == subject.trace_id.hex
    return subject.says(item.item if isinstance(item, RejectRecord) else item.attributes)


def _spans_went(system: System, subject: Subject, spans: QuerySet[Span]) -> bool:
    """Whether retention took spans of the trace, or may have, where it was never sealed."""
    sealed = Trace.objects.filter(system=system, trace_id=subject.trace_id).order_by("-revision").first()
    if sealed is None:
        return Disposal.objects.filter(kind=Disposal.Kind.SPANS).exists()
    return spans.count() < (sealed.span_count if sealed.span_ids is None else len(sealed.span_ids))


def _plan_body(
    system: System, subject: Subject, body: _Body, values: set[str], looks: Looks
) -> BlobPlan | Stay | None:
    """Return what becomes of one body, None where nothing in it is ours; add what our spans in it said to `values`."""
    others = System.objects.filter(pk__in=body.system_ids).exclude(pk=system.pk)
    keys_of_others = set(others.values_list("key", flat=True)) | _services_of_others(system, others)
    try:
        items = read_items(body.plain, body.signal)
    except OtlpError:  # taken by an older version of ours
        return _plan_unreadable(system, subject, body)
    ours = [item for item in items if item.system_key not in keys_of_others and is_of(subject, item)]
    if not ours:
        return None
    values |= _values_of(ours, body)
    positions = {item.position for item in ours}
    rest = [item for item in items if item.position not in positions]
    removal = BlobRemoval.objects.filter(pk=body.digest).first()
    if removal is not None and removal.remainder_id:  # it came back, and what is left of it is kept as before
        return BlobPlan(Role.BODY, body.digest)
    try:
        left = _without(body, positions, removal)
    except Inseparable:
        if (hold := find_hold(_began(rest))) is not None:
            return _stays(body, hold, "it cannot be taken apart")
        return BlobPlan(Role.BODY, body.digest, others=len(rest))
    kept = remainder_of(looks.keep(left, body.plain.media_type)) if left else ""
    return BlobPlan(Role.BODY, body.digest, kept)


def _services_of_others(system: System, others: QuerySet[System]) -> set[str]:
    """Return the names of services that were ever part of these systems, and never of this one."""
    declared = ServiceName.objects.filter(is_part=True)
    ours = declared.filter(system=system).values("name")
    return set(declared.filter(system__in=others).exclude(name__in=ours).values_list("name", flat=True))


def _without(body: _Body, positions: Collection[int], removal: BlobRemoval | None) -> bytes:
    if removal is not None:
        raise Inseparable  # it came back, and a second remainder would have no row that leads there
    return without_items(body.plain, body.signal, positions)


def _values_of(ours: Sequence[Item], body: _Body) -> set[str]:
    """Return which values of these items were moved when they came: also those that no row names any more."""
    said = {digest for item in ours if isinstance(item, SpanRecord) for digest in digests_in(item)}
    kept = Blob.objects.filter(pk__in=said).values_list("pk", flat=True)
    moved = moved_by([batch.pk for batch in body.batches]) if kept else {}
    return {digest for digest in kept if any(each.may_have(digest) for each in moved.values())}


def _plan_unreadable(system: System, subject: Subject, body: _Body) -> BlobPlan | Stay:
    """Return what becomes of a body that nobody can read by items: what is in it, only the rows can tell."""
    received = max(batch.received_at for batch in body.batches)
    for hold in active_holds().filter(system__in=body.system_ids, period_from__lte=received):
        return _stays(body, hold, "it cannot be read")
    ours = Span.objects.filter(system=system, trace_id=subject.trace_id, batch__in=body.batches).count()
    return BlobPlan(
        Role.BODY, body.digest, others=max(0, max(batch.n_items for batch in body.batches) - ours)
    )


def _stays(body: _Body, hold: LegalHold, why: str) -> Stay:
    return Stay(f"{Role.BODY} {body.digest}", f"under hold {hold.pk}, and {why}")


def _began(items: Iterable[Item]) -> Iterator[tuple[str, datetime]]:
    """Yield the system's key and the beginning of each span."""
    for item in items:
        if isinstance(item, SpanRecord):
            yield item.system_key, datetime.fromtimestamp(item.start_ns / 1e9, tz=UTC)


def _mentions(digest: str, subject: Subject) -> bool:
    """Whether a body holds the words, or the trace id as protobuf (bytes) or JSON (hexadecimal) writes it."""
    try:
        body = read_blob(digest)
    except GONE:  # nothing left in it to erase
        return False
    return subject.trace_id.bytes in body or subject.is_in(body)
