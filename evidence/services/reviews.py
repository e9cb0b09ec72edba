"""Reviews: which traces a person should look at, and what they said. The machine's verdict is kept beside theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Unpack

from django.conf import settings
from django.db import transaction

from evidence import acts, clock
from evidence.access import Principal
from evidence.errors import ConflictingContent, InvalidInput
from evidence.locks import Lock, hold
from evidence.models import (
    Adjudication,
    Citation,
    ClaimJudgement,
    PolicyCheck,
    Review,
    ReviewDraft,
    ReviewTask,
    RiskTier,
    Trace,
)
from evidence.selectors.gold import find_given
from evidence.selectors.review_work import BY_JUDGING
from evidence.services import audit, review_queue
from evidence.services.judged import Judged, Saying, check_corrected, read_judged
from evidence.worded import worded

RISING: Final = (RiskTier.LOW, RiskTier.MEDIUM, RiskTier.HIGH)


@transaction.atomic
def open_review_task(
    *, trace: Trace, reason: str, actor: str, asked_at: datetime | None = None
) -> ReviewTask:
    """Ask for a person's judgement of a trace; asking again returns the first task.

    A high-risk trace of a high-risk system asks for two people.

    Args:
        asked_at: from when it is due; None: from when the trace was sealed.
    """
    described = _describe_task(trace, reason)
    if asked_at is not None:
        described["due_at"] = asked_at + settings.REVIEW_DUE
    task, created = ReviewTask.objects.get_or_create(trace=trace, defaults=described)
    if created:
        audit.record(
            verb="review_task.opened", actor=actor, obj=task, system=trace.system, digest=trace.digest
        )
        review_queue.queue_new([task])
    return task


@dataclass(frozen=True, slots=True)
class Asked:
    """A trace that a person should look at, and why."""

    trace: Trace
    reason: str
    earlier: ReviewTask | None = None  # of an earlier revision, which asks for no less


@transaction.atomic
def open_review_tasks(*, asked: Sequence[Asked], actor: str) -> list[ReviewTask]:
    """Ask for people's judgement of traces just sealed, of which nobody can have been asked yet."""
    tasks = ReviewTask.objects.bulk_create(
        ReviewTask(trace=each.trace, **_describe_task(each.trace, each.reason, each.earlier))
        for each in asked
    )
    changes = [audit.Change(task, task.system, task.trace.digest) for task in tasks]
    audit.record_many(verb="review_task.opened", actor=actor, changes=changes)
    review_queue.queue_new(tasks)
    return tasks


def find_earlier_tasks(traces: Sequence[Trace]) -> dict[int, ReviewTask]:
    """Return what people were asked of earlier revisions, the last by the key of each trace.

    A late span takes no answer out of review: the revision it makes is asked about like the one it replaces.
    """
    tasks = ReviewTask.objects.filter(
        trace__system__in={trace.system_id for trace in traces},
        trace__trace_id__in={trace.trace_id for trace in traces},
    )
    last = {
        (task.system_id, task.trace.trace_id): task
        for task in tasks.select_related("trace").order_by("trace__revision")
    }
    by_trace = ((trace.pk, last.get((trace.system_id, trace.trace_id))) for trace in traces)
    return {pk: task for pk, task in by_trace if task is not None}


@transaction.atomic
def record_review(*, principal: Principal, trace: Trace, **said: Unpack[Saying]) -> Review:
    """Store one person's judgement of one trace revision.

    A trace nobody asked about may be reviewed too: the task is then opened by the reviewer. The same judgement sent
    again returns the first row.

    Args:
        said: as `judged.read_judged` takes it.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_review` does.
        ConflictingContent: a colleague is at it; they decided it at the desk.
        InvalidInput: as `judged.read_judged` does.
    """
    acts.check_can_judge(principal)
    acts.check_of_system(principal, trace.system)
    before = Review.objects.filter(task__trace=trace, reviewer=principal.person).first()
    judged = read_judged(trace, before, **said)
    task = open_review_task(trace=trace, reason=BY_JUDGING, actor=principal.actor)
    hold(Lock.REVIEW_TASK, task.pk)
    earlier = task.reviews.filter(reviewer=principal.person).first()
    if earlier is not None and _says(earlier, judged):
        return earlier
    acts.check_can_review(principal, trace)
    review_queue.check_free(task, principal)
    check_not_decided(principal, trace)
    if find_given(principal.person, trace) is not None:
        raise ConflictingContent(worded("This answer is judged by `record_judgement`, and by no review."))
    return _store(task, principal, judged)


def check_not_decided(principal: Principal, trace: Trace) -> None:
    """See that another tool does not undo, without a word, what a person decided at the desk.

    Raises:
        ConflictingContent: they did, and it does not count yet.
    """
    drafts = ReviewDraft.objects.filter(trace=trace, reviewer=principal.person)
    decided = drafts.exclude(takes_effect_at=None).first()
    if decided is not None:
        raise ConflictingContent(
            worded(
                "You decided this at the desk, which counts at %(at)s UTC: take that back there first.",
                at=f"{decided.takes_effect_at:%H:%M}",
            )
        )


def end_draft(principal: Principal, trace: Trace) -> None:
    """Take away what a person was writing of an answer that they judged; what they decided meanwhile stays, and is told
    to be too late.
    """
    ReviewDraft.objects.filter(trace=trace, reviewer=principal.person, takes_effect_at=None).delete()


def check_can_record(*, principal: Principal, trace: Trace, **said: Unpack[Saying]) -> None:
    """Check what `record_review` checks, for a decision that is to be recorded later.

    Raises:
        AccessDenied, NotFound, ConflictingContent, InvalidInput: as `record_review` does.
    """
    acts.check_can_review(principal, trace)
    read_judged(trace, **said)
    task = ReviewTask.objects.filter(trace=trace).first()
    if task is not None:
        review_queue.check_free(task, principal)


def _store(task: ReviewTask, principal: Principal, judged: Judged) -> Review:
    review = Review.objects.create(
        task=task, reviewer=principal.person, token_prefix=principal.token_prefix,
        machine_verdict=machine_verdict(task.trace), **judged.columns,
    )  # fmt: skip
    ClaimJudgement.objects.bulk_create(
        ClaimJudgement(review=review, claim=claim, judgement=judgement)
        for claim, judgement in judged.claims.items()
    )
    audit.record(
        verb="review.recorded",
        actor=principal.actor,
        obj=review,
        system=task.system,
        digest=task.trace.digest,
        payload=judged.told,
    )
    end_draft(principal, task.trace)
    review_queue.requeue(task)
    return review


def _says(review: Review, judged: Judged) -> bool:
    """Whether a review says the same, of the answer and of its claims."""
    if any(getattr(review, name) != value for name, value in judged.columns.items()):
        return False
    of_claims = dict(review.claim_judgements.values_list("claim", "judgement"))
    return of_claims == {claim.pk: judgement for claim, judgement in judged.claims.items()}


@transaction.atomic
def adjudicate(
    *, principal: Principal, task: ReviewTask, decision: str, rationale: str, corrected_answer: str = ""
) -> Adjudication:
    """Settle a disagreement between reviewers. The same settlement sent again returns the first row.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_adjudicate` does; a colleague is at it; they
            decided it at the desk.
        InvalidInput: no rationale is given; an override does not say what the answer should have been.
    """
    acts.check_can_judge(principal)
    acts.check_of_system(principal, task.system)
    hold(Lock.REVIEW_TASK, task.pk)
    said = {"decision": decision, "rationale": rationale, "corrected_answer": corrected_answer}
    earlier = Adjudication.objects.filter(task=task, adjudicator=principal.person, **said).first()
    if earlier is not None:
        return earlier
    check_can_settle(
        principal=principal, task=task, decision=decision, rationale=rationale,
        corrected_answer=corrected_answer,
    )  # fmt: skip
    check_not_decided(principal, task.trace)
    adjudication = Adjudication.objects.create(
        task=task, adjudicator=principal.person, token_prefix=principal.token_prefix, decision=decision,
        rationale=rationale, corrected_answer=corrected_answer,
    )  # fmt: skip
    audit.record(verb="review.adjudicated", actor=principal.actor, obj=adjudication, system=task.system)
    end_draft(principal, task.trace)
    review_queue.requeue(task)
    return adjudication


def check_can_settle(
    *, principal: Principal, task: ReviewTask, decision: str, rationale: str, corrected_answer: str = ""
) -> None:
    """Check what `adjudicate` checks, for a disagreement that is to be settled later.

    Raises:
        AccessDenied, NotFound, ConflictingContent, InvalidInput: as `adjudicate` does.
    """
    acts.check_can_adjudicate(principal, task)
    review_queue.check_free(task, principal)
    if decision not in Review.Decision.values or not rationale.strip():
        raise InvalidInput(worded("An adjudication needs a decision and its rationale."))
    check_corrected(task.trace, decision, corrected_answer)


def machine_verdict(trace: Trace) -> dict[str, Any]:
    """Return what the machine had concluded when the reviewer looked."""
    citations = Citation.objects.filter(claim__trace=trace).order_by("claim__ordinal", "ordinal")
    checks = PolicyCheck.objects.filter(trace=trace).order_by("pk")
    return {
        "trace_digest": trace.digest,
        "citations": [
            {"claim": claim, "citation": ordinal, "verdict": verdict, "checker": checker}
            for claim, ordinal, verdict, checker in citations.values_list(
                "claim__ordinal", "ordinal", "verdict", "checker_version"
            )
        ],
        "policy": [
            {"rule": rule, "decision": decision} for rule, decision in checks.values_list("rule", "decision")
        ],
        "flags": [flag["code"] for flag in trace.flags],
        "seen_at": clock.now().isoformat(),
    }


def _describe_task(trace: Trace, reason: str, earlier: ReviewTask | None = None) -> dict[str, Any]:
    tiers = [trace.risk_tier] + ([earlier.risk_tier] if earlier else [])
    tier = max(tiers, key=RISING.index)
    both_high = tier == RiskTier.HIGH and trace.system.risk_tier == RiskTier.HIGH
    return {
        "system": trace.system,
        "reason": reason,
        "risk_tier": tier,
        "reviews_required": 2 if both_high and settings.REVIEW_TWO_PERSON_HIGH_RISK else 1,
        "due_at": trace.sealed_at + settings.REVIEW_DUE,
    }
