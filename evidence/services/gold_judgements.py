"""What somebody says of an answer, by whichever door: a review; or, of one that is gold to them, apart from all."""

from __future__ import annotations

from typing import Final, Unpack

from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.errors import ConflictingContent
from evidence.locks import Lock, hold
from evidence.models import ClaimJudgement, GoldJudgement, GoldTask, Review, ReviewTask, Trace
from evidence.selectors.gold import find_given, find_judged
from evidence.services import audit, review_queue
from evidence.services.judged import Saying, find_claims, read_judged
from evidence.services.reviews import check_not_decided, end_draft, machine_verdict, record_review
from evidence.worded import worded

_SAID: Final = ("decision", "reason_code", "reason", "reasons_version", "rationale", "corrected_answer")


@transaction.atomic
def record_judgement(*, principal: Principal, trace: Trace, **said: Unpack[Saying]) -> Review | GoldJudgement:
    """Store one person's judgement as `reviews.record_review` does, with the same checks, words and refusals.

    Of an answer that is open to them as gold it becomes a `GoldJudgement`: the answer has its reviews already. The same
    sent again returns what was stored.

    Args:
        said: as `judged.read_judged` takes it.

    Raises:
        AccessDenied, NotFound, ConflictingContent, InvalidInput: as `reviews.record_review` does.
    """
    acts.check_can_judge(principal)
    acts.check_of_system(principal, trace.system)
    task = ReviewTask.objects.select_related("trace", "system").filter(trace=trace).first()
    if task is not None:
        hold(Lock.REVIEW_TASK, task.pk)  # it may be given, or given up, just now
    if task is None or not _is_gold(principal, trace):
        return record_review(principal=principal, trace=trace, **said)
    return _record(principal, task, **said)


def as_review(judged: GoldJudgement) -> Review:
    """Return what was said of a gold answer, as it is stored, in the form of a review, which is stored nowhere."""
    judged.refresh_from_db(fields=["claims", "machine_verdict", "created_at"])
    review = Review(
        pk=judged.pk, task=judged.task, reviewer=judged.reviewer, created_at=judged.created_at,
        machine_verdict=judged.machine_verdict, token_prefix=judged.token_prefix,
        **{name: getattr(judged, name) for name in _SAID},
    )  # fmt: skip
    claims = find_claims(judged.task.trace, {int(number): word for number, word in judged.claims.items()})
    said = [ClaimJudgement(claim=claim, judgement=word) for claim, word in claims.items()]
    vars(review)["_prefetched_objects_cache"] = {"claim_judgements": said}
    vars(review)["is_for_earlier_revision"] = False
    return review


def _is_gold(principal: Principal, trace: Trace) -> bool:
    person = principal.person
    return find_given(person, trace) is not None or find_judged(person, trace) is not None


def _record(principal: Principal, task: ReviewTask, **said: Unpack[Saying]) -> GoldJudgement:
    earlier = find_judged(principal.person, task.trace)
    read = read_judged(task.trace, earlier, **said)
    kept = {**read.columns, "claims": read.claims_by_ordinal}
    if earlier is not None:
        if all(getattr(earlier, name) == value for name, value in kept.items()):
            return earlier
        raise ConflictingContent(
            worded("You have reviewed this answer. A changed mind goes to adjudication.")
        )
    acts.check_can_review(principal, task.trace)
    review_queue.check_free(task, principal)
    check_not_decided(principal, task.trace)
    given = GoldTask.objects.select_related("draw").get(task=task, reviewer=principal.person)
    judged = GoldJudgement.objects.create(
        draw=given.draw, task=task, reviewer=principal.person, token_prefix=principal.token_prefix,
        machine_verdict=machine_verdict(task.trace), **kept,
    )  # fmt: skip
    audit.record(
        verb="gold_answer.judged", actor=principal.actor, obj=judged, system=task.system,
        digest=task.trace.digest, payload=read.told,
    )  # fmt: skip
    end_draft(principal, task.trace)
    given.delete()
    review_queue.requeue(task)
    return judged
