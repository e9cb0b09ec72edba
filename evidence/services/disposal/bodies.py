"""The requests that a trace came in, and what is left of each without it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Final, cast
from uuid import UUID

from django.db.models import QuerySet

from evidence.errors import BlobErased, BlobMissing, DigestMismatch
from evidence.models import (
    BlobRemoval,
    IngestBatch,
    LegalHold,
    ServiceName,
    Span,
    System,
)
from evidence.otlp.body import PlainBody
from evidence.otlp.errors import OtlpError
from evidence.otlp.records import Encoding, RejectRecord, Signal, SpanRecord
from evidence.otlp.remainder import Inseparable, Item, read_items, without_items
from evidence.redaction import Subject
from evidence.selectors.holds import active_holds, find_hold
from evidence.services.blobs import GONE
from evidence.services.disposal.at_once import AtOnce, kept_blobs, suspected
from evidence.services.disposal.blob_plans import BlobPlan, Looks, Role, Stay, called
from evidence.services.disposal.uses import find_value_of_others
from evidence.services.moved_values import digests_in
from evidence.worded import Worded, worded

_ASKED_TOGETHER: Final = 100  # requests that may hold the trace


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
    subject: Subject, looks: Looks, read: AtOnce, *, gone: Collection[UUID], refused: Sequence[int]
) -> BodiesPlan:
    """Return what becomes of each request that holds something of a trace, and of what is left of one by now.

    Args:
        gone: traces of the system that are erased before this one.
        refused: keys of refused items that are erased as copies.
    """
    plan, erased, blobs = BodiesPlan(), [subject.trace_id, *gone], read.blobs
    for digest in dict.fromkeys(
        form for original in find_bodies(subject, looks, read) for form in blobs.forms(original)
    ):
        try:
            data = blobs.read(digest)
        except BlobErased:
            continue
        except (BlobMissing, DigestMismatch):
            plan.found.append(BlobPlan(Role.BODY, digest))  # was lost: it is not to come back
            continue
        why = blobs.why_kept(digest)
        if not why and blobs.may_be_value(digest):
            why = find_value_of_others(digest, read.system, but=erased, but_refused=refused)
        if why:
            plan.found.append(Stay(called(Role.BODY, digest), why))
            continue
        batches = blobs.batches(digest)
        body = _Body(digest, PlainBody(data, cast("Encoding", batches[0].encoding)), batches)
        if (found := _plan_body(subject, body, plan.values, looks, read)) is not None:
            plan.found.append(found)
    return plan


def find_bodies(subject: Subject, looks: Looks, read: AtOnce) -> Iterator[str]:
    """Yield the digests of the requests that may hold items of the trace, or words of it in items of none.

    Spans and refusals name the request that brought them. One that brought them again, or brought evaluations of the
    trace, is found by looking for the trace id and the words in its body, however old it is. Where spans of the trace
    went by retention, nobody can say any more which requests brought them, and every body of the system is searched.
    """
    yield from read.bodies_of(subject.trace_id)
    for digest in _others_to_search(subject, read):
        forms = read.blobs.forms(digest)
        if any(
            looks.once(form, ("mentions", subject), partial(_mentions, form, subject, read)) for form in forms
        ):
            yield digest


def _others_to_search(subject: Subject, read: AtOnce) -> Iterator[str]:
    known = read.requests_of(subject.trace_id)
    every = _spans_went(subject, read)
    if not every and read.suspects is not None:
        yield from (digest for pk, digest in read.suspects if pk not in known)
        return
    others = IngestBatch.objects.filter(system_ids__contains=[read.system.pk]).exclude(pk__in=known)
    others = others if every else others.filter(suspected())
    digests = others.values_list("body_digest", flat=True).iterator(_ASKED_TOGETHER)
    for some in iter(lambda: list(islice(digests, _ASKED_TOGETHER)), []):
        read.blobs.know_removals(some)
        yield from some


def is_of(subject: Subject, item: Item) -> bool:
    """Whether an item is of the trace, or of none and holds its words."""
    if item.trace_id:
        return item.trace_id.lower().replace("-", "") == subject.trace_id.hex
    return subject.says(item.item if isinstance(item, RejectRecord) else item.attributes)


def _spans_went(subject: Subject, read: AtOnce) -> bool:
    """Whether retention took spans of the trace, or may have, where it was never sealed."""
    sealed = read.last_revision(subject.trace_id)
    if sealed is None:
        return read.some_spans_went
    n_sealed = sealed.span_count if sealed.span_ids is None else len(sealed.span_ids)
    return read.n_spans(subject.trace_id) < n_sealed


def _plan_body(
    subject: Subject, body: _Body, values: set[str], looks: Looks, read: AtOnce
) -> BlobPlan | Stay | None:
    """Return what becomes of one body, None where nothing in it is ours; add what our spans in it said to `values`."""
    system = read.system
    keys_of_others = read.blobs.once(
        ("keys of others", frozenset(body.system_ids)), partial(_keys_of_others, system, body.system_ids)
    )
    try:
        items = _items_of(body, read)
    except OtlpError:  # taken by an older version of ours
        return _plan_unreadable(system, subject, body)
    ours = [item for item in items if item.system_key not in keys_of_others and is_of(subject, item)]
    if not ours:
        return None
    values |= _values_of(ours, body, items, read)
    positions = {item.position for item in ours}
    rest = [item for item in items if item.position not in positions]
    removal = read.blobs.removal(body.digest)
    if removal is not None and removal.remainder_id:  # it came back, and what is left of it is kept as before
        return BlobPlan(Role.BODY, body.digest)
    try:
        left = _without(body, positions, removal)
    except Inseparable:
        if (hold := find_hold(_began(rest))) is not None:
            return _stays(body, hold, worded("it cannot be taken apart"))
        return BlobPlan(Role.BODY, body.digest, others=len(rest))
    kept = looks.keep(left, body.plain.media_type) if left else ""
    return BlobPlan(Role.BODY, body.digest, kept)


def _items_of(body: _Body, read: AtOnce) -> list[Item]:
    """Return the items of a body: held as long as its bytes are, which other traces may be in."""
    find = partial(read_items, body.plain, body.signal)
    return read.blobs.once(("items", body.digest), find) if read.blobs.holds(body.digest) else find()


def _keys_of_others(system: System, system_ids: Collection[int]) -> set[str]:
    """Return by which names spans of these systems come, but for those of one."""
    others = System.objects.filter(pk__in=system_ids).exclude(pk=system.pk)
    return set(others.values_list("key", flat=True)) | _services_of_others(system, others)


def _services_of_others(system: System, others: QuerySet[System]) -> set[str]:
    """Return the names of services that were ever part of these systems, and never of this one."""
    declared = ServiceName.objects.filter(is_part=True)
    ours = declared.filter(system=system).values("name")
    return set(declared.filter(system__in=others).exclude(name__in=ours).values_list("name", flat=True))


def _without(body: _Body, positions: Collection[int], removal: BlobRemoval | None) -> bytes:
    if removal is not None:
        raise Inseparable  # it came back, and a second remainder would have no row that leads there
    return without_items(body.plain, body.signal, positions)


def _values_of(ours: Sequence[Item], body: _Body, items: Sequence[Item], read: AtOnce) -> set[str]:
    """Return which values of these items were moved when they came: also those that no row names any more."""
    said = _said_in(ours)
    named = [batch.moved for batch in body.batches]
    if None not in named:  # a request of an older version names none, and had some all the same
        said &= {digest for digests in named for digest in digests or ()}
    kept = (
        read.blobs.once(("said and kept", body.digest), lambda: kept_blobs(_said_in(items)))
        if said
        else set()
    )
    said &= kept
    moved = read.moved([batch.pk for batch in body.batches]) if said else {}
    return {digest for digest in said if any(moved[batch.pk].may_have(digest) for batch in body.batches)}


def _said_in(items: Sequence[Item]) -> set[str]:
    return {digest for item in items if isinstance(item, SpanRecord) for digest in digests_in(item)}


def _plan_unreadable(system: System, subject: Subject, body: _Body) -> BlobPlan | Stay:
    """Return what becomes of a body that nobody can read by items: what is in it, only the rows can tell."""
    received = max(batch.received_at for batch in body.batches)
    for hold in active_holds().filter(system__in=body.system_ids, period_from__lte=received):
        return _stays(body, hold, worded("it cannot be read"))
    ours = Span.objects.filter(system=system, trace_id=subject.trace_id, batch__in=body.batches).count()
    return BlobPlan(
        Role.BODY, body.digest, others=max(0, max(batch.n_items for batch in body.batches) - ours)
    )


def _stays(body: _Body, hold: LegalHold, why: Worded) -> Stay:
    said = worded("under hold %(hold)s, and %(why)s", hold=hold.pk, why=why)
    return Stay(called(Role.BODY, body.digest), said)


def _began(items: Iterable[Item]) -> Iterator[tuple[str, datetime]]:
    """Yield the system's key and the beginning of each span."""
    for item in items:
        if isinstance(item, SpanRecord):
            yield item.system_key, datetime.fromtimestamp(item.start_ns / 1e9, tz=UTC)


def _mentions(digest: str, subject: Subject, read: AtOnce) -> bool:
    """Whether a body holds the words, or the trace id as protobuf (bytes) or JSON (hexadecimal) writes it."""
    try:
        body = read.blobs.read(digest)
    except GONE:  # nothing left in it to erase
        return False
    return subject.trace_id.bytes in body or subject.is_in(body)
