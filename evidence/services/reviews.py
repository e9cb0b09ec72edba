"""Reviews: which traces a person should look at, and what they said. The machine's verdict is kept beside theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from evidence import acts, clock
from evidence.access import Principal
from evidence.errors import ConflictingContent, InvalidInput
from evidence.locks import Lock, hold
from evidence.models import (
    Adjudication,
    Citation,
    Claim,
    ClaimJudgement,
    PolicyCheck,
    ReasonCode,
    Review,
    ReviewDraft,
    ReviewTask,
    RiskTier,
    Trace,
)
from evidence.nearest import hint_at, nearest_name
from evidence.selectors.gold import find_given
from evidence.selectors.review_reasons import reasons_of
from evidence.selectors.review_work import BY_JUDGING
from evidence.services import audit, review_queue

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
def record_review(
    *,
    principal: Principal,
    trace: Trace,
    decision: str,
    reason_code: str = "",
    reason: str = "",
    rationale: str = "",
    corrected_answer: str = "",
    claims: Mapping[int, str] | None = None,
) -> Review:
    """Store one person's judgement of one trace revision.

    A trace nobody asked about may be reviewed too: the task is then opened by the reviewer. The same judgement sent
    again returns the first row.

    Args:
        reason_code: a `ReasonCode`; it may be left out where `reason` is given.
        reason: one of the system's own list.
        claims: what they say of claims, by the claims' ordinals: a `ClaimJudgement.Judgement`.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_review` does.
        InvalidInput: anything but an approval needs a labelled reason; the system's list does not have the reason, or
            has it as of another kind; an override needs the corrected answer; a claim is named that the answer does
            not have, or something else said of it.
    """
    acts.check_can_judge(principal)
    acts.check_of_system(principal, trace.system)
    labelled = _said_before(principal, trace, reason_code, reason) or find_reason(trace, reason_code, reason)
    check_judgement(trace, decision, labelled["reason_code"], corrected_answer)
    judged = find_claims(trace, claims or {})
    task = open_review_task(trace=trace, reason=BY_JUDGING, actor=principal.actor)
    hold(Lock.REVIEW_TASK, task.pk)
    said = {
        "decision": decision,
        **labelled,
        "rationale": rationale,
        "corrected_answer": corrected_answer,
    }
    earlier = task.reviews.filter(reviewer=principal.person).first()
    if earlier is not None and _says(earlier, said, judged):
        return earlier
    acts.check_can_review(principal, trace)
    review_queue.check_free(task, principal)
    if find_given(principal.person, trace) is not None:
        raise ConflictingContent("This answer is judged by `record_judgement`, and by no review.")
    return _store(task, principal, said, judged)


def check_can_record(
    *,
    principal: Principal,
    trace: Trace,
    decision: str,
    reason_code: str = "",
    reason: str = "",
    rationale: str = "",
    corrected_answer: str = "",
    claims: Mapping[int, str] | None = None,
) -> None:
    """Check what `record_review` checks, for a decision that is to be recorded later.

    Raises:
        AccessDenied, NotFound, ConflictingContent, InvalidInput: as `record_review` does.
    """
    del rationale
    acts.check_can_review(principal, trace)
    labelled = find_reason(trace, reason_code, reason)
    check_judgement(trace, decision, labelled["reason_code"], corrected_answer)
    find_claims(trace, claims or {})
    task = ReviewTask.objects.filter(trace=trace).first()
    if task is not None:
        review_queue.check_free(task, principal)


def _said_before(principal: Principal, trace: Trace, reason_code: str, reason: str) -> dict[str, Any]:
    """Return the reason as this person's review of the answer has it, whatever the list says now; else nothing."""
    given = Review.objects.filter(task__trace=trace, reviewer=principal.person, reason=reason)
    review = given.select_related("reasons_version").first() if reason else None
    if review is None or reason_code not in {"", review.reason_code}:
        return {}
    return {name: getattr(review, name) for name in ("reason_code", "reason", "reasons_version")}


def find_reason(trace: Trace, reason_code: str, reason: str) -> dict[str, Any]:
    """Return the reason that is given as a review keeps it: its kind, and which it is of the system's own list.

    Raises:
        InvalidInput: the list does not have it, or has it as of another kind.
    """
    if not reason:
        return {"reason_code": reason_code, "reason": "", "reasons_version": None}
    listed = reasons_of(trace.system)
    if listed is None:
        raise InvalidInput(f"This system has no list of reasons: give reason_code, and no reason {reason!r}.")
    found = listed.find(reason)
    if found is None:
        hint = hint_at(nearest_name(reason, [each.code for each in listed.reasons]))
        raise InvalidInput(f"{listed.version.artefact.system.key!r} has no reason {reason!r}; {hint}.")
    if reason_code not in {"", found.kind}:
        raise InvalidInput(
            f"The reason {reason!r} is a {found.kind}, and no {reason_code}: leave reason_code out."
        )
    return {"reason_code": found.kind, "reason": reason, "reasons_version": listed.version}


def _store(
    task: ReviewTask, principal: Principal, said: Mapping[str, Any], judged: Mapping[Claim, str]
) -> Review:
    review = Review.objects.create(
        task=task, reviewer=principal.person, machine_verdict=machine_verdict(task.trace), **said
    )
    ClaimJudgement.objects.bulk_create(
        ClaimJudgement(review=review, claim=claim, judgement=judgement) for claim, judgement in judged.items()
    )
    told = {name: said[name] for name in ("decision", "reason_code", "reason", "rationale")}
    audit.record(
        verb="review.recorded",
        actor=principal.actor,
        obj=review,
        system=task.system,
        digest=task.trace.digest,
        payload={**told, "claims": {str(claim.ordinal): judgement for claim, judgement in judged.items()}},
    )
    ReviewDraft.objects.filter(trace=task.trace, reviewer=principal.person).delete()
    review_queue.requeue(task)
    return review


def _says(review: Review, said: Mapping[str, str], judged: Mapping[Claim, str]) -> bool:
    """Whether a review says the same, of the answer and of its claims."""
    if any(getattr(review, name) != value for name, value in said.items()):
        return False
    of_claims = dict(review.claim_judgements.values_list("claim", "judgement"))
    return of_claims == {claim.pk: judgement for claim, judgement in judged.items()}


def find_claims(trace: Trace, judged: Mapping[int, str]) -> dict[Claim, str]:
    """Return the claims of these ordinals with what is said of each, in the order of the answer.

    Raises:
        InvalidInput: the answer has no such claim, or something is said that none is judged by.
    """
    known = ClaimJudgement.Judgement.values
    for judgement in judged.values():
        if judgement not in known:
            raise InvalidInput(f"Of a claim one says {', '.join(known)}: {judgement!r} is none of these.")
    claims = Claim.objects.filter(trace=trace, ordinal__in=judged).order_by("ordinal") if judged else []
    found = {claim: judged[claim.ordinal] for claim in claims}
    unknown = sorted(set(judged) - {claim.ordinal for claim in found})
    if unknown:
        n_claims = Claim.objects.filter(trace=trace).count()
        raise InvalidInput(
            f"The answer has {n_claims} claims, counted from 0: there is no claim {unknown[0]}."
        )
    return found


def check_judgement(trace: Trace, decision: str, reason_code: str, corrected_answer: str) -> None:
    """Check that a decision is one, and has the reason or the corrected answer that it needs.

    Raises:
        InvalidInput: it does not.
    """
    if decision not in Review.Decision.values:
        raise InvalidInput(f"{decision!r} is no decision: use one of {', '.join(Review.Decision.values)}.")
    if decision != Review.Decision.APPROVE and reason_code not in set(ReasonCode.values) - {""}:
        listed = reasons_of(trace.system)
        choices = [reason.code for reason in listed.reasons] if listed else filter(None, ReasonCode.values)
        raise InvalidInput(f"To {decision} an answer, label the reason: one of {', '.join(choices)}.")
    _check_corrected(trace, decision, corrected_answer)


def _check_corrected(trace: Trace, decision: str, corrected_answer: str) -> None:
    if decision != Review.Decision.OVERRIDE:
        return
    if not corrected_answer.strip():
        raise InvalidInput("An override says what the answer should have been: give corrected_answer.")
    if corrected_answer.split() == trace.answer.split():
        raise InvalidInput(
            "An override says something else than the answer does: corrected_answer is the same."
        )


@transaction.atomic
def adjudicate(
    *, principal: Principal, task: ReviewTask, decision: str, rationale: str, corrected_answer: str = ""
) -> Adjudication:
    """Settle a disagreement between reviewers.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_adjudicate` does; a colleague is at it.
        InvalidInput: no rationale is given; an override does not say what the answer should have been.
    """
    hold(Lock.REVIEW_TASK, task.pk)
    check_can_settle(
        principal=principal, task=task, decision=decision, rationale=rationale,
        corrected_answer=corrected_answer,
    )  # fmt: skip
    adjudication = Adjudication.objects.create(
        task=task, adjudicator=principal.person, decision=decision, rationale=rationale,
        corrected_answer=corrected_answer,
    )  # fmt: skip
    audit.record(verb="review.adjudicated", actor=principal.actor, obj=adjudication, system=task.system)
    ReviewDraft.objects.filter(trace=task.trace, reviewer=principal.person).delete()
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
        raise InvalidInput("An adjudication needs a decision and its rationale.")
    _check_corrected(task.trace, decision, corrected_answer)


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
