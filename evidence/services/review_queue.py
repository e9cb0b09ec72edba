"""The queue of answers that wait for people: in step with the tasks, and each held by one person at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, When

from evidence import acts, clock
from evidence.access import Principal
from evidence.errors import ConflictingContent
from evidence.locks import Lock, hold
from evidence.models import GoldTask, QueuedTask, Review, ReviewTask, SavedFilter, Trace
from evidence.selectors.gold import is_given_to_another
from evidence.selectors.review_tasks import (
    QUEUE_ORDER,
    find_held_by_another,
    is_free,
    waiting_for,
    with_standing,
)
from evidence.selectors.review_work import RANKS, day_of, language_of, narrowed, rank_of_reason
from evidence.selectors.revisions import is_superseded
from evidence.worded import worded

MOST_WRONG: Final = 50  # rows that one call passes over and puts right


def queue_new(tasks: Sequence[ReviewTask]) -> None:
    """Put tasks just opened into the queue, in place of those of earlier revisions.

    An earlier revision may have reviews, also one that is being stored beside this.
    """
    QueuedTask.objects.bulk_create(
        [_row(task, QueuedTask.Stage.JUDGE, may_have_reviews=task.trace.revision > 1) for task in tasks]
    )
    again = [task.trace.trace_id for task in tasks if task.trace.revision > 1]
    if again:
        of_these = QueuedTask.objects.filter(task__trace__trace_id__in=again)
        of_these.filter(is_superseded("task__trace")).delete()


def requeue(task: ReviewTask) -> None:
    """Bring a task's place in the queue up to what has been said of it; whoever held it is done."""
    QueuedTask.objects.filter(task=task).delete()
    if task.trace.payload_salt is None:  # erased: there is nothing to judge
        return
    standing = with_standing(ReviewTask.objects.filter(pk=task.pk)).get()
    is_gold = GoldTask.objects.filter(task=task).exists() and not standing.is_superseded
    if standing.is_open or standing.is_disputed or is_gold:
        is_to_judge = standing.is_open or is_gold
        stage = QueuedTask.Stage.JUDGE if is_to_judge else QueuedTask.Stage.SETTLE
        may_have_reviews = standing.n_reviews > 0 or task.trace.revision > 1
        QueuedTask.objects.bulk_create([_row(task, stage, may_have_reviews=may_have_reviews)])


def leave_queue(traces: Iterable[Trace]) -> None:
    """Take answers out of the queue of which nothing is left to judge."""
    QueuedTask.objects.filter(task__trace__in=[trace.pk for trace in traces]).delete()


def mend_queue() -> int:
    """Give each task that waits its row, and take the rows of those that do not; return how many were wrong.

    They are in step where each change goes through this module, which it does not on servers of before. Of what those
    put into the queue nobody was told whether it was judged; that is looked up, and counts as nothing wrong.
    """
    tasks = with_standing(ReviewTask.objects.all())
    waits = {
        QueuedTask.Stage.JUDGE: Q(is_open=True) | (Q(is_superseded=False) & is_given_to_another(None, "pk")),
        QueuedTask.Stage.SETTLE: Q(is_open=False, is_disputed=True),
    }
    is_there = Q(trace__payload_salt__isnull=False)  # not erased
    wrong = Q(queued__isnull=False, queued__due_on=None)
    for stage, condition in waits.items():
        queued = Q(queued__stage=stage)
        waits_so = is_there & condition
        wrong |= (waits_so & (~queued | Q(queued__isnull=True))) | (queued & ~waits_so)
    found = list(tasks.filter(wrong).select_related("trace"))
    for task in found:
        _requeue_held(task)
    _mark_unjudged()
    return len(found)


@transaction.atomic
def _mark_unjudged() -> None:
    """Mark what nobody has judged. A review that is stored meanwhile makes its row anew, whichever comes first."""
    judged = Review.objects.filter(task=OuterRef("task"))
    first = QueuedTask.objects.filter(may_have_reviews=True, task__trace__revision=1)
    first.filter(~Exists(judged)).update(may_have_reviews=False)


@transaction.atomic
def _requeue_held(task: ReviewTask) -> None:
    hold(Lock.REVIEW_TASK, task.pk)
    requeue(task)


@transaction.atomic
def take_next(
    *,
    principal: Principal,
    after: ReviewTask | None = None,
    by: SavedFilter | None = None,
    stage: QueuedTask.Stage = QueuedTask.Stage.JUDGE,
) -> QueuedTask | None:
    """Hold the first task that waits for this reviewer and that nobody else holds; None where there is none.

    What they hold already comes first. Two who ask at once are given two tasks. A row that waits for nobody, as one may
    that was written beside a later revision, is put right on the way.

    Args:
        principal: by a token they are given what is of its systems.
        after: a task to leave out, which they have just put back.
        by: a filter of theirs; only what it leaves is given.
        stage: to judge, or to settle what others disagree about.

    Raises:
        AccessDenied: as `acts.check_can_judge` does.
    """
    acts.check_can_judge(principal)
    held_first = Case(When(held_by=principal.person, then=0), default=1, output_field=IntegerField())
    waiting = waiting_for(principal.person, stage).filter(is_free(principal.person, clock.now()))
    waiting = waiting.filter(system__in=principal.system_ids)
    if after is not None:
        waiting = waiting.exclude(task=after)
    if by is not None:
        waiting = narrowed(waiting, by)
    waiting = waiting.order_by(held_first, *QUEUE_ORDER)
    for _ in range(MOST_WRONG):
        found = waiting.select_for_update(skip_locked=True, of=("self",)).first()
        if found is None:
            break
        if _is_theirs(principal, found):
            return _hold_one(found, principal)
        requeue(found.task)
        waiting = waiting.exclude(task=found.task)
    return None


def _is_theirs(principal: Principal, queued: QueuedTask) -> bool:
    if queued.stage == QueuedTask.Stage.SETTLE:
        return acts.can_adjudicate(principal, queued.task)
    return acts.can_review(principal, queued.task.trace)


def hold_answer(*, principal: Principal, trace: Trace) -> None:
    """Hold the task of an answer that somebody is at, where nobody else holds it; the time begins anew each time."""
    rows = QueuedTask.objects.filter(is_free(principal.person, clock.now()), task__trace=trace)
    _hold(rows, principal)


@transaction.atomic
def take(*, principal: Principal, task: ReviewTask) -> QueuedTask:
    """Hold a task that this reviewer has chosen, to judge it or to settle it; again, the time begins anew.

    A pause is for what is given, as at the desk: what somebody chooses they take.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_review` does, or, of an answer that waits to be
            settled, `acts.check_can_adjudicate`.
        ConflictingContent: a colleague is at it; it waits for nobody.
    """
    queued = QueuedTask.objects.select_for_update().filter(task=task).first()
    if queued is not None and queued.stage == QueuedTask.Stage.SETTLE:
        acts.check_can_adjudicate(principal, task)
    else:
        acts.check_can_review(principal, task.trace)
    check_free(task, principal)
    if queued is None:
        raise ConflictingContent(worded("This answer waits for nobody just now: take another one."))
    return _hold_one(queued, principal)


@transaction.atomic
def put_back(*, principal: Principal, task: ReviewTask) -> None:
    """Let go of a task that this person holds; of one they do not hold nothing changes.

    Raises:
        AccessDenied: as `acts.check_can_let_go` does.
    """
    acts.check_can_let_go(principal)
    QueuedTask.objects.filter(task=task, held_by=principal.person).update(held_by=None, held_until=None)


def check_free(task: ReviewTask, principal: Principal) -> None:
    """Check that nobody else holds a task.

    Raises:
        ConflictingContent: somebody does, until a time that is told.
    """
    held = find_held_by_another(task, principal.person)
    if held is not None and held.held_until is not None:
        raise ConflictingContent(
            worded(
                "A colleague is at this answer, until %(held_until)s UTC at most: take another one.",
                held_until=f"{held.held_until:%H:%M}",
            )
        )


def _hold(rows: QuerySet[QueuedTask], principal: Principal) -> None:
    rows.update(held_by=principal.person, held_until=_until())


def _hold_one(queued: QueuedTask, principal: Principal) -> QueuedTask:
    queued.held_by, queued.held_until = principal.person, _until()
    queued.save(update_fields=["held_by", "held_until"])
    return queued


def _until() -> datetime:
    return clock.now() + settings.REVIEW_HOLD


def _row(task: ReviewTask, stage: QueuedTask.Stage, *, may_have_reviews: bool) -> QueuedTask:
    return QueuedTask(
        task=task,
        system_id=task.system_id,
        stage=stage,
        risk_rank=RANKS[task.risk_tier],
        due_on=day_of(task.due_at),
        reason_rank=rank_of_reason(task.reason),
        due_at=task.due_at,
        language=language_of(task.trace),
        may_have_reviews=may_have_reviews,
    )
