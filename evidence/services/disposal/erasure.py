"""Erasing what a trace said, while everything that proves it was there stays.

Payload goes from the rows of the trace (all revisions), from rows of no trace that hold its words, from the details of
audit events with their salts, and from the blob store. A body or file that others have their part in is replaced by
what is left of it; a value that another trace shares stays. Digests, times, versions, verdicts and facts stay; a
tombstone says who erased it, when and why, and a certificate what went, what stayed and why. The log holds digests and
salted commitments only, so it verifies as before. Binders that were exported are not touched: they are signed and may
be anywhere; plan, report and certificate name them. Decisions: docs/decisions/0008-erasure.md, 0022-exact-erasure.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection, transaction

from evidence import acts, locks
from evidence.access import Principal
from evidence.errors import InvalidInput, LegalHoldInForce, PlanOvertaken
from evidence.models import (
    Adjudication,
    AuditPayload,
    Erasure,
    ErasureCertificate,
    GoldAnswer,
    GoldJudgement,
    Reject,
    Review,
    ReviewDraft,
    ReviewTask,
    System,
    Trace,
)
from evidence.services import audit
from evidence.services.assembly import trace_kept_still
from evidence.services.blobs import Drafts, keep_drafts
from evidence.services.disposal.blob_plans import Looks
from evidence.services.disposal.blob_removal import remove_blobs
from evidence.services.disposal.certificates import certify
from evidence.services.disposal.planning import (
    ErasurePlan,
    check_agreed,
    draw_up,
    plan_subject,
    when_it_began,
)
from evidence.services.review_queue import leave_queue
from evidence.worded import sentence_of, worded


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """What was erased, what stayed, and where copies may be left."""

    erasure: Erasure
    plan: ErasurePlan
    removed_blobs: list[str]  # digests of bodies, values and files that are gone
    certificate: ErasureCertificate


@dataclass(frozen=True, slots=True)
class SubjectReport:
    """What became of the traces of one data subject."""

    erased: list[ErasureReport] = field(default_factory=list)
    held: list[tuple[UUID, str]] = field(default_factory=list)  # trace id and why it is kept


def erase_trace_payload(
    *, principal: Principal, system: System, trace_id: UUID, reason: str, as_planned: str = ""
) -> ErasureReport:
    """Erase the payload of one trace, all its revisions, and leave a tombstone. Repeating it erases late spans, too.

    Files are read and cut before anything is locked: that takes long, and senders and other disposals would wait.

    Args:
        reason: names no person, because the tombstone is kept: "request 2026-17".
        as_planned: `ErasurePlan.stays_digest` of the plan that was agreed to; empty: whatever the plan is now.

    Raises:
        AccessDenied: as `acts.check_can_erase` does.
        InvalidInput: no reason.
        NotFound: the system has nothing of a trace of this id, or is none of the principal's.
        LegalHoldInForce: the trace began in a period that is held.
        PlanOvertaken: something else stays than was planned.
    """
    acts.check_can_erase(principal, system)
    if not reason.strip():
        raise InvalidInput(worded("An erasure says why: give a reason, without naming the person."))
    acts.check_can_erase_period(principal, system, *when_it_began(system, trace_id))
    with Drafts() as drafts:
        looks = Looks(drafts.write)
        drafted = draw_up(system, trace_id, gone=(), looks=looks)
        return _erase_locked(principal, drafted, looks, drafts, reason=reason, as_planned=as_planned)


def erase_subject(
    *, principal: Principal, system: System, attribute: str, value: str, reason: str, agreed: str = ""
) -> SubjectReport:
    """Erase every trace of a system that has a span with this attribute, e.g. `enduser.id`, as text or as number.

    Each trace is erased by itself; one that is under a legal hold, or was when it was planned, is kept and named.

    Args:
        agreed: `digest_of_plans` of the plans that were agreed to; empty: whatever they are now.

    Raises:
        AccessDenied, InvalidInput, NotFound: as `find_subject` does.
        PlanOvertaken: something else stays than was planned; what was erased before it is.
    """
    plans = plan_subject(principal=principal, system=system, attribute=attribute, value=value)
    check_agreed(plans, agreed)
    return erase_planned(principal=principal, plans=plans, reason=reason, is_agreed=bool(agreed))


def erase_planned(
    *, principal: Principal, plans: Sequence[ErasurePlan], reason: str, is_agreed: bool
) -> SubjectReport:
    """Erase the traces of some plans that were drawn up just now, each by itself, as `erase_subject` does.

    Args:
        is_agreed: whether somebody agreed to what stays, so that nothing else may by then.

    Raises:
        AccessDenied, InvalidInput, NotFound, PlanOvertaken: as `erase_trace_payload` does.
    """
    report = SubjectReport()
    for plan in plans:
        if plan.held:  # and so it was agreed, whatever was released since
            report.held.append((plan.trace_id, plan.held))
            continue
        as_planned = plan.stays_digest if is_agreed else ""
        try:
            report.erased.append(
                erase_trace_payload(
                    principal=principal,
                    system=plan.system,
                    trace_id=plan.trace_id,
                    reason=reason,
                    as_planned=as_planned,
                )
            )
        except LegalHoldInForce as exc:
            report.held.append((plan.trace_id, sentence_of(exc)))
    return report


@transaction.atomic
def _erase_locked(
    principal: Principal, drafted: ErasurePlan, looks: Looks, drafts: Drafts, *, reason: str, as_planned: str
) -> ErasureReport:
    """Draw the plan up again, while nothing it speaks of can change, and carry it out."""
    system, trace_id = drafted.system, drafted.trace_id
    with trace_kept_still(system.pk, trace_id):
        locks.hold(locks.Lock.DISPOSAL)
        acts.check_can_erase_period(principal, system, *when_it_began(system, trace_id))
        plan = draw_up(system, trace_id, gone=(), looks=looks)
        if as_planned and as_planned != plan.stays_digest:
            raise PlanOvertaken(
                worded("Something else stays by now than the plan said: plan the erasure again.")
            )
        keep_drafts(drafts, {blob.remainder for blob in plan.blobs})
        return _carry_out(plan, reason, principal.actor)


def _carry_out(plan: ErasurePlan, reason: str, actor: str) -> ErasureReport:
    """Erase what the plan names, inside the caller's transaction and under its locks."""
    system, trace_id = plan.system, plan.trace_id
    traces = list(Trace.objects.filter(system=system, trace_id=trace_id).order_by("revision"))
    erasure = _erase_rows(system, trace_id, reason, actor)
    ReviewDraft.objects.filter(trace__in=traces).delete()  # what reviewers were still writing of it
    leave_queue(traces)
    n_details = _erase_event_details(system, trace_id, traces)
    removed = remove_blobs(
        [blob.digest for blob in plan.blobs],
        erasure=erasure,
        actor=actor,
        remainders={blob.digest: blob.remainder for blob in plan.blobs if blob.remainder},
    )
    audit.record(
        verb="trace.erased",
        actor=actor,
        obj=erasure,
        system=system,
        digest=traces[-1].digest if traces else "",
        payload={
            "trace_id": trace_id.hex,
            "reason": reason,
            "removed_blobs": removed,
            "stays": [[stay.what, stay.why] for stay in plan.stays],
            "binders": plan.binders,
        },
    )
    return ErasureReport(erasure, plan, removed, certify(erasure, plan, n_details=n_details))


def _erase_rows(system: System, trace_id: UUID, reason: str, actor: str) -> Erasure:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tracebinder_erase_trace(%s, %s, %s, %s)", [system.pk, trace_id, reason, actor])
        (pk,) = cursor.fetchone() or (0,)
    return Erasure.objects.select_related("system").get(pk=pk)


def _erase_event_details(system: System, trace_id: UUID, traces: Iterable[Trace]) -> int:
    """Delete details and salts of the events about the trace, its reviews and its refused items."""
    tasks = ReviewTask.objects.filter(trace__in=[trace.pk for trace in traces])
    objects = {
        "evidence.Trace": [trace.pk for trace in traces],
        "evidence.ReviewTask": tasks.values_list("pk", flat=True),
        "evidence.Review": Review.objects.filter(task__in=tasks).values_list("pk", flat=True),
        "evidence.Adjudication": Adjudication.objects.filter(task__in=tasks).values_list("pk", flat=True),
        "evidence.GoldAnswer": GoldAnswer.objects.filter(task__in=tasks).values_list("pk", flat=True),
        "evidence.GoldJudgement": GoldJudgement.objects.filter(task__in=tasks).values_list("pk", flat=True),
        "evidence.Reject": Reject.objects.filter(system=system, trace_id=trace_id.hex).values_list(
            "pk", flat=True
        ),
    }
    count = 0
    for label, pks in objects.items():
        events = AuditPayload.objects.filter(
            event__object_type=label, event__object_id__in=[str(pk) for pk in pks]
        )
        count += events.delete()[0]
    return count
