"""Reviews: which traces a person should look at, and what they said. The machine's verdict is kept beside theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from evidence import clock
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput
from evidence.locks import Lock, hold
from evidence.models import (
    Adjudication,
    Citation,
    PolicyCheck,
    ReasonCode,
    Review,
    ReviewTask,
    RiskTier,
    Trace,
)
from evidence.services import audit


@transaction.atomic
def open_review_task(*, trace: Trace, reason: str, actor: str) -> ReviewTask:
    """Ask for a person's judgement of a trace; asking again returns the first task.

    A high-risk trace of a high-risk system asks for two people.
    """
    task, created = ReviewTask.objects.get_or_create(trace=trace, defaults=_describe_task(trace, reason))
    if created:
        audit.record(
            verb="review_task.opened", actor=actor, obj=task, system=trace.system, digest=trace.digest
        )
    return task


@transaction.atomic
def open_review_tasks(*, reasons: Sequence[tuple[Trace, str]], actor: str) -> list[ReviewTask]:
    """Ask for people's judgement of traces just sealed, of which nobody can have been asked yet.

    Args:
        reasons: each trace with why a person should look at it.
    """
    tasks = ReviewTask.objects.bulk_create(
        ReviewTask(trace=trace, **_describe_task(trace, reason)) for trace, reason in reasons
    )
    changes = [audit.Change(task, task.system, task.trace.digest) for task in tasks]
    audit.record_many(verb="review_task.opened", actor=actor, changes=changes)
    return tasks


@transaction.atomic
def record_review(
    *,
    trace: Trace,
    reviewer: User,
    decision: str,
    reason_code: str = "",
    rationale: str = "",
    corrected_answer: str = "",
) -> Review:
    """Store one person's judgement of one trace revision.

    A trace nobody asked about may be reviewed too: the task is then opened by the reviewer. Who put the release
    on record may not judge its answers. The same judgement sent again returns the first row.

    Raises:
        InvalidInput: anything but an approval needs a labelled reason; an override needs the corrected answer.
        AccessDenied: the reviewer made the release the trace came from.
        ConflictingContent: the reviewer judged this trace otherwise before, or it was adjudicated.
    """
    if decision not in Review.Decision.values:
        raise InvalidInput(f"{decision!r} is no decision: use one of {', '.join(Review.Decision.values)}.")
    if decision != Review.Decision.APPROVE and reason_code not in set(ReasonCode.values) - {""}:
        choices = ", ".join(value for value in ReasonCode.values if value)
        raise InvalidInput(f"To {decision} an answer, label the reason: one of {choices}.")
    if decision == Review.Decision.OVERRIDE and not corrected_answer.strip():
        raise InvalidInput("An override says what the answer should have been: give corrected_answer.")
    actor = f"user:{reviewer.get_username()}"
    if trace.release is not None and trace.release.created_by == actor:
        raise AccessDenied("You put this release on record, so another person must review its answers.")
    task = open_review_task(trace=trace, reason="requested_by_reviewer", actor=actor)
    hold(Lock.REVIEW_TASK, task.pk)
    said = {
        "decision": decision,
        "reason_code": reason_code,
        "rationale": rationale,
        "corrected_answer": corrected_answer,
    }
    earlier = task.reviews.filter(reviewer=reviewer).first()
    if earlier is not None:
        if all(getattr(earlier, name) == value for name, value in said.items()):
            return earlier
        raise ConflictingContent("You reviewed this trace before. A changed mind goes to adjudication.")
    if Adjudication.objects.filter(task=task).exists():
        raise ConflictingContent("This trace was adjudicated; its reviews are closed.")
    review = Review.objects.create(
        task=task,
        reviewer=reviewer,
        machine_verdict=machine_verdict(trace),
        **said,
    )
    payload = {"decision": decision, "reason_code": reason_code, "rationale": rationale}
    audit.record(
        verb="review.recorded",
        actor=actor,
        obj=review,
        system=trace.system,
        digest=trace.digest,
        payload=payload,
    )
    return review


@transaction.atomic
def adjudicate(*, task: ReviewTask, adjudicator: User, decision: str, rationale: str) -> Adjudication:
    """Settle a disagreement between reviewers.

    Raises:
        InvalidInput: the reviewers agree, or no rationale is given.
        AccessDenied: the adjudicator is one of the reviewers.
    """
    hold(Lock.REVIEW_TASK, task.pk)
    reviews = list(task.reviews.all())
    if len({review.decision for review in reviews}) < 2:
        raise InvalidInput("There is nothing to adjudicate: the reviews so far do not disagree.")
    if any(review.reviewer_id == adjudicator.pk for review in reviews):
        raise AccessDenied("You are one of the reviewers who disagree; a third person adjudicates.")
    if decision not in Review.Decision.values or not rationale.strip():
        raise InvalidInput("An adjudication needs a decision and its rationale.")
    adjudication, created = Adjudication.objects.get_or_create(
        task=task, defaults={"adjudicator": adjudicator, "decision": decision, "rationale": rationale}
    )
    if not created:
        raise ConflictingContent("This disagreement was settled before.")
    audit.record(
        verb="review.adjudicated",
        actor=f"user:{adjudicator.get_username()}",
        obj=adjudication,
        system=task.system,
    )
    return adjudication


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


def _describe_task(trace: Trace, reason: str) -> dict[str, Any]:
    both_high = trace.risk_tier == RiskTier.HIGH and trace.system.risk_tier == RiskTier.HIGH
    return {
        "system": trace.system,
        "reason": reason,
        "risk_tier": trace.risk_tier,
        "reviews_required": 2 if both_high and settings.REVIEW_TWO_PERSON_HIGH_RISK else 1,
        "due_at": trace.sealed_at + settings.REVIEW_DUE,
    }
