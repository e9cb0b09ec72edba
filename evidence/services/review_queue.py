"""The queue of answers that wait for people: in step with the tasks, and each held by one person at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, When

from evidence import acts, clock
from evidence.access import Principal
from evidence.errors import ConflictingContent
from evidence.locks import Lock, hold, try_hold
from evidence.models import (
    GoldTask,
    QueuedTask,
    Review,
    ReviewDraft,
    ReviewTask,
    SavedFilter,
    System,
    Trace,
)
from evidence.selectors.gold import is_given_to_another
from evidence.selectors.review_tasks import (
    QUEUE_ORDER,
    find_held_by_another,
    held_by,
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

    What they hold already comes first, however it came to them: also while they pause, and beside what they can judge.
    Two who ask at once are given two tasks, and one who asks twice at once is given one. A row that waits for nobody,
    as one may that was written beside a later revision, is put right on the way.

    Args:
        principal: by a token they are given what is of its systems.
        after: a task to leave out, which they have just put back.
        by: a filter of theirs; only what it leaves is given.
        stage: to judge, or to settle what others disagree about.

    Raises:
        AccessDenied: as `acts.check_can_judge` does.
        ConflictingContent: they hold as many as one person may.
    """
    acts.check_can_judge(principal)
    hold(Lock.HELD_BY, principal.person.pk)
    held = held_by(principal.person).filter(stage=stage)
    held_first = Case(When(held_by=principal.person, then=0), default=1, output_field=IntegerField())
    waiting = waiting_for(principal.person, stage).filter(is_free(principal.person, clock.now()))
    for rows in (held, waiting.order_by(held_first, *QUEUE_ORDER)):
        asked = rows.filter(system__in=principal.system_ids)
        if after is not None:
            asked = asked.exclude(task=after)
        if by is not None:
            asked = narrowed(asked, by)
        found = _first_that_is_theirs(asked, principal)
        if found is not None:
            _check_room(principal, found)
            return _hold_one(found, principal)
    return None


def _first_that_is_theirs(rows: QuerySet[QueuedTask], principal: Principal) -> QueuedTask | None:
    """Return the first row that this reviewer may judge or settle, locked; put right those before it."""
    for _ in range(MOST_WRONG):
        found = rows.select_for_update(skip_locked=True, of=("self",)).first()
        if found is None or _is_theirs(principal, found):
            return found
        if try_hold(Lock.REVIEW_TASK, found.task_id):  # else somebody is at it, who puts it right
            requeue(found.task)
        rows = rows.exclude(task=found.task)
    return None


def _is_theirs(principal: Principal, queued: QueuedTask) -> bool:
    if queued.stage == QueuedTask.Stage.SETTLE:
        return acts.can_adjudicate(principal, queued.task)
    return acts.can_review(principal, queued.task.trace)


@transaction.atomic
def hold_answer(*, principal: Principal, trace: Trace) -> None:
    """Hold the task of an answer that somebody is at, where nobody else holds it; the time begins anew each time.

    Where they hold as many as one person may it is not held: what they write or decide is not refused for that.
    """
    hold(Lock.HELD_BY, principal.person.pk)
    free = QueuedTask.objects.filter(is_free(principal.person, clock.now()))
    queued = free.select_for_update(of=("self",)).filter(task__trace=trace).first()
    if queued is not None and _has_room(principal, queued):
        _hold_one(queued, principal)


@transaction.atomic
def take(*, principal: Principal, task: ReviewTask) -> QueuedTask:
    """Hold a task that this reviewer has chosen, to judge it or to settle it; again, the time begins anew.

    A pause is for what is given, as at the desk: what somebody chooses they take.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_review` does, or, of an answer that waits to be
            settled, `acts.check_can_adjudicate`.
        ConflictingContent: a colleague is at it; it waits for nobody; they hold as many as one person may.
    """
    hold(Lock.REVIEW_TASK, task.pk)  # what is being said of it takes its row away, and puts another there
    hold(Lock.HELD_BY, principal.person.pk)
    queued = QueuedTask.objects.select_for_update().filter(task=task).first()
    if queued is not None and queued.stage == QueuedTask.Stage.SETTLE:
        acts.check_can_adjudicate(principal, task)
    else:
        acts.check_can_review(principal, task.trace)
    check_free(task, principal)
    if queued is None:
        raise ConflictingContent(worded("This answer waits for nobody just now: take another one."))
    _check_room(principal, queued)
    return _hold_one(queued, principal)


@transaction.atomic
def put_back(*, principal: Principal, task: ReviewTask) -> None:
    """Let go of a task that this person holds; of one they do not hold nothing changes.

    Raises:
        AccessDenied: as `acts.check_can_judge` does.
    """
    acts.check_can_judge(principal)
    _let_go(QueuedTask.objects.filter(task=task, held_by=principal.person))


@transaction.atomic
def release_held(person: User, system: System | None = None) -> None:
    """Let go of what a person holds, who may judge it no more, in the transaction that says so; None: of every system.

    What they are about to take beside this is taken before, and released, or ends with its time.
    """
    hold(Lock.HELD_BY, person.pk)
    held = QueuedTask.objects.filter(held_by=person)
    _let_go(held if system is None else held.filter(system=system))


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


def _check_room(principal: Principal, queued: QueuedTask) -> None:
    """Check that a person may hold one more.

    Raises:
        ConflictingContent: they hold as many as one person may, which is told.
    """
    if not _has_room(principal, queued):
        raise ConflictingContent(
            worded(
                "You hold as many answers as one person may (%(n)s): judge one, or put one back.",
                n=settings.REVIEW_MOST_HELD,
            )
        )


def _has_room(principal: Principal, queued: QueuedTask) -> bool:
    """Whether a person holds a row, or may hold one more. What they have decided at the desk is none any more."""
    now = clock.now()
    if queued.held_by_id == principal.person.pk and queued.held_until is not None and queued.held_until > now:
        return True
    held = QueuedTask.objects.filter(held_by=principal.person, held_until__gt=now)
    decided = ReviewDraft.objects.filter(reviewer=principal.person, takes_effect_at__isnull=False)
    return held.exclude(task__trace__in=decided.values("trace")).count() < settings.REVIEW_MOST_HELD


def _let_go(rows: QuerySet[QueuedTask]) -> None:
    rows.update(held_by=None, held_until=None)


def _hold_one(queued: QueuedTask, principal: Principal) -> QueuedTask:
    queued.held_by, queued.held_until = principal.person, clock.now() + settings.REVIEW_HOLD
    queued.save(update_fields=["held_by", "held_until"])
    return queued


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
