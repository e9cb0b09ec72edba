"""What an erasure would do: which rows and blobs go, what stays and why, and what cannot be reached.

The act draws the same plan up again, before its locks and under them, and carries out that one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.apps import apps
from django.db.models import Model

from evidence import acts
from evidence.access import Principal
from evidence.digests import digest_of, sha256_hex
from evidence.errors import InvalidInput, LegalHoldInForce, NotFound, PlanOvertaken
from evidence.models import BlobRemoval, LegalHold, Span, System
from evidence.selectors.holds import active_holds
from evidence.selectors.spans import with_attributes
from evidence.services.disposal.at_once import TOGETHER, AtOnce, periods_of
from evidence.services.disposal.blob_plans import BlobPlan, Looks, Stay, Unread, remainder_of
from evidence.services.disposal.blobs_read import BlobsRead
from evidence.services.disposal.reach import plan_blobs
from evidence.services.disposal.uses import name_trace
from evidence.worded import sentence_of, worded

# What no erasure reaches, whatever the trace.
NEVER_REACHED: Final = (
    worded("backups of the database and of the blob store: erase again after restoring one"),
    worded("dead rows until VACUUM, and the write-ahead log until it is recycled"),
    worded("copies outside: what was read by API, shown, printed or exported"),
)


class Tombstone(NamedTuple):
    """An erasure of before."""

    number: int
    erased_at: datetime

    def __str__(self) -> str:
        return f"{self.number}, of {self.erased_at:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What becomes of one trace."""

    system: System
    trace_id: UUID
    held: str = ""  # why nothing of it may go; empty: it may
    rows: dict[str, int] = field(default_factory=dict)  # of the trace's own, by model label
    # Rows of no trace that hold its words, by table.
    copies: dict[str, list[int]] = field(default_factory=dict)
    blobs: list[BlobPlan] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    binders: list[str] = field(default_factory=list)  # exported ones that may hold it, by file name
    unread: list[str] = field(default_factory=list)  # files of the system that nobody here can look into
    before: list[Tombstone] = field(
        default_factory=list
    )  # its tombstones; of such a trace goes what came since

    @property
    def stays_digest(self) -> str:
        """The digest of what stays and of what cannot be reached: what somebody agreed to.

        Tombstones stay, too: who agreed to an erasure did not agree to another of the same.
        """
        stays = sorted([stay.what, stay.why] for stay in self.stays)
        return digest_of(
            {
                "held": self.held,
                "stays": stays,
                "binders": self.binders,
                "unread": sorted(self.unread),
                "before": [str(tombstone) for tombstone in self.before],
            }
        )


def plan_erasure(
    *, principal: Principal, system: System, trace_id: UUID, gone: Collection[UUID] = ()
) -> ErasurePlan:
    """Return what erasing a trace would do. Changes nothing.

    Args:
        gone: traces of the system that would be erased before it.

    Raises:
        AccessDenied: as `acts.check_can_erase` does.
        NotFound: the system has nothing of a trace of this id, or is none of the principal's.
    """
    acts.check_can_erase(principal, system)
    began, ended = when_it_began(system, trace_id)
    try:
        acts.check_can_erase_period(principal, system, began, ended)
    except LegalHoldInForce as exc:
        return ErasurePlan(system, trace_id, held=sentence_of(exc))
    return draw_up(system, trace_id, gone=gone, looks=_without_keeping())


def plan_subject(*, principal: Principal, system: System, attribute: str, value: str) -> list[ErasurePlan]:
    """Return what erasing every trace with this attribute would do, one after the other. Changes nothing.

    Raises:
        AccessDenied, InvalidInput, NotFound: as `find_subject` does.
    """
    trace_ids = find_subject(principal=principal, system=system, attribute=attribute, value=value)
    holds, blobs, looks = list(active_holds().filter(system=system)), BlobsRead(system), _without_keeping()
    plans, gone = list[ErasurePlan](), list[UUID]()
    for start in range(0, len(trace_ids), TOGETHER):
        together = trace_ids[start : start + TOGETHER]
        held = _why_held(principal, system, together, holds)
        going = [trace_id for trace_id in together if trace_id not in held]
        read = AtOnce(system, going, gone=gone, blobs=blobs)
        for trace_id in together:
            if trace_id in held:
                plans.append(ErasurePlan(system, trace_id, held=held[trace_id]))
            else:
                plans.append(_draw_up(trace_id, read, gone=gone, looks=looks))
                gone.append(trace_id)
    _take_removed_before(plans)
    return plans


def _why_held(
    principal: Principal, system: System, trace_ids: Sequence[UUID], holds: Sequence[LegalHold]
) -> dict[UUID, str]:
    """Return why the traces are kept that are under a hold."""
    periods, held = periods_of(system, trace_ids), dict[UUID, str]()
    for trace_id in trace_ids:
        began, ended = periods.get(trace_id) or when_it_began(system, trace_id)
        try:
            acts.check_can_erase_period(principal, system, began, ended, holds=holds)
        except LegalHoldInForce as exc:
            held[trace_id] = sentence_of(exc)
    return held


def check_agreed(plans: Sequence[ErasurePlan], agreed: str) -> None:
    """Refuse to go on when something else stays than was agreed to.

    Args:
        agreed: the digest that somebody was shown; empty: nobody asked.

    Raises:
        PlanOvertaken: it is another one by now.
    """
    if agreed and agreed != digest_of_plans(plans):
        raise PlanOvertaken(worded("Something else stays by now than the plan said: plan the erasure again."))


def digest_of_plans(plans: Sequence[ErasurePlan]) -> str:
    """Return the digest of all that stays of some traces, by which an erasure can be tied to its plan."""
    return digest_of([[plan.trace_id.hex, plan.stays_digest] for plan in plans])


def find_subject(*, principal: Principal, system: System, attribute: str, value: str) -> list[UUID]:
    """Return the traces that have a span with this attribute, e.g. `enduser.id`, as text or as number.

    Reads all spans of the system: there is no index for it, because ingest would pay for that one.

    Raises:
        AccessDenied: as `acts.check_can_erase` does.
        InvalidInput: no attribute is named, or no value: an empty one would be everybody's who gave none.
        NotFound: no span has the attribute with this value, or the system is none of the principal's.
    """
    acts.check_can_erase(principal, system)
    if not value.strip():
        raise InvalidInput(
            worded("An erasure names whose traces: give the attribute with its value, as key=value.")
        )
    spans = with_attributes(Span.objects.filter(system=system), [f"{attribute}={value}"])
    trace_ids = sorted(set(spans.values_list("trace_id", flat=True)))
    if not trace_ids:
        raise NotFound(
            worded(
                "No span of %(system_key)s has this value of %(attribute)s.",
                system_key=repr(system.key),
                attribute=repr(attribute),
            )
        )
    return trace_ids


def draw_up(system: System, trace_id: UUID, *, gone: Collection[UUID], looks: Looks) -> ErasurePlan:
    """Return the plan for a trace that may be erased."""
    plan = _draw_up(trace_id, AtOnce(system, [trace_id], gone=gone), gone=gone, looks=looks)
    _take_removed_before([plan])
    return plan


def _draw_up(trace_id: UUID, read: AtOnce, *, gone: Collection[UUID], looks: Looks) -> ErasurePlan:
    """Return the plan for one of the traces that were read at once; what is left of a blob may be removed by now."""
    system = read.system
    plan = ErasurePlan(system, trace_id)
    plan.rows.update({_label_of(table): n for table, n in read.rows_of(trace_id) if n})
    for table, row_id, kept_for in read.copies_of(trace_id):
        if kept_for is None:
            plan.copies.setdefault(table, []).append(row_id)
        else:
            whose = name_trace(system, kept_for, but=trace_id)
            why = worded("it is of %(whose)s, or says only what that says too", whose=whose)
            plan.stays.append(Stay(f"{_label_of(table)} {row_id}", why))
    words = read.words_of(trace_id)
    own = [text for text, shared_with in words if shared_with is None]
    shared = [(text, shared_with) for text, shared_with in words if shared_with is not None]
    refused = plan.copies.get("evidence_reject", [])
    for found in plan_blobs(
        trace_id, read, words=own, shared=shared, gone=gone, refused=refused, looks=looks
    ):
        match found:
            case BlobPlan():
                plan.blobs.append(found)
            case Stay():
                plan.stays.append(found)
            case Unread():
                plan.unread.append(found.what)
    plan.binders.extend(read.binders_with(trace_id))
    plan.before.extend(Tombstone(pk, erased_at) for pk, erased_at in read.tombstones_of(trace_id))
    return plan


def _take_removed_before(plans: Sequence[ErasurePlan]) -> None:
    """Put right what is left of blobs where the very same bytes were removed before: it is what is left of those."""
    left = {blob.remainder for plan in plans for blob in plan.blobs if blob.remainder}
    removed = set(BlobRemoval.objects.filter(pk__in=left).values_list("pk", flat=True)) if left else set()
    for plan in plans:
        for place, blob in enumerate(plan.blobs):
            if blob.remainder in removed:
                plan.blobs[place] = replace(blob, remainder=remainder_of(blob.remainder))


def _without_keeping() -> Looks:
    """Return what looks into blobs for a plan, and keeps nothing of what would be left of them."""
    return Looks(lambda data, _: sha256_hex(data))


def when_it_began(system: System, trace_id: UUID) -> tuple[datetime, datetime]:
    """Return the earliest and the latest time at which a span or revision of the trace began.

    Of a trace of which nothing but refused items is there, the times at which these came.

    Raises:
        NotFound: the system has neither spans, nor refused items, nor a trace of this id.
    """
    period = periods_of(system, [trace_id]).get(trace_id)
    if period is None:
        raise NotFound(
            worded(
                "There is no trace %(trace)s of %(system_key)s.",
                trace=trace_id.hex,
                system_key=repr(system.key),
            )
        )
    return period


def _label_of(table: str) -> str:
    models: Iterator[type[Model]] = iter(apps.get_models())
    return next(model._meta.label for model in models if model._meta.db_table == table)
