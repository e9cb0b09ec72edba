"""How a review task stands: the one definition of open, overdue and disputed, for queue, filters, page and services."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from evidence import clock
from evidence.actors import actors_of
from evidence.models import Adjudication, QueuedTask, Release, Review, ReviewDraft, ReviewTask
from evidence.selectors.revisions import is_superseded

# The order in which people take what waits: high risk first, then what is due. Over `QueuedTask`, and from a task.
QUEUE_ORDER: Final = ("risk_rank", "due_at", "task")
TASK_ORDER: Final = ("queued__risk_rank", "queued__due_at", "pk")


_JUDGE: Final = QueuedTask.Stage.JUDGE


class Standing(StrEnum):
    """What a task can be asked for by; `waiting` and `mine` are one person's."""

    WAITING = "waiting"
    OPEN = "open"
    OVERDUE = "overdue"
    DISPUTED = "disputed"
    MINE = "mine"
    CLOSED = "closed"


def in_standing(tasks: QuerySet[ReviewTask], standing: Standing, user: User) -> QuerySet[Any]:
    """Return the tasks that stand so for a person, by their rows in the queue."""
    to_judge, to_settle = Q(queued__stage=_JUDGE), Q(queued__stage=QueuedTask.Stage.SETTLE)
    conditions: dict[Standing, Q] = {
        Standing.WAITING: to_judge & may_be_judged_by(user) & Q(~_decided_by(user, "trace")),
        Standing.OPEN: to_judge,
        Standing.OVERDUE: to_judge & Q(due_at__lt=clock.now()),
        Standing.DISPUTED: to_settle,
        Standing.MINE: Q(_judged_by(user, "pk")),
        Standing.CLOSED: ~to_judge,
    }
    return tasks.filter(conditions[standing])


def may_be_judged_by(user: User, task: str = "") -> Q:
    """Return the condition that a task is neither judged by a person nor about a release that they put on record.

    Args:
        task: where a row of the query names its task; empty: it is one.
    """
    at = f"{task}__" if task else ""
    return ~_judged_by(user, f"{at}pk") & ~_is_of_own_release(user, f"{at}trace")


def waiting_for(user: User) -> QuerySet[QueuedTask]:
    """Return what waits for a reviewer in their systems, in the order in which it is taken.

    What they have decided, and may still take back, waits for them no more.
    """
    of_their_systems = QueuedTask.objects.filter(stage=_JUDGE, system__memberships__user=user)
    return of_their_systems.filter(
        ~_decided_by(user, "task__trace"), may_be_judged_by(user, "task")
    ).order_by(*QUEUE_ORDER)


def is_free(user: User, now: datetime) -> Q:
    """Return the condition that nobody else holds a row of the queue."""
    return Q(held_by__isnull=True) | Q(held_by=user) | Q(held_until__lte=now)


def with_standing(tasks: QuerySet[ReviewTask]) -> QuerySet[Any]:
    """Add to each task how it stands.

    `n_reviews` and `n_decisions` (different ones); `is_settled` (adjudicated); `is_superseded` (its answer has a later
    revision, to be judged in its place); `is_open` (fewer reviews than asked for, neither adjudicated nor superseded);
    `is_overdue` (open after its due time); `is_disputed` (reviewers disagree, nobody settled it, and the answer is
    still this one).
    """
    settled = Adjudication.objects.filter(task=OuterRef("pk"))
    counted: QuerySet[Any] = tasks.annotate(
        n_reviews=_count("pk"),
        n_decisions=_count("decision"),
        is_settled=Exists(settled),
        is_superseded=is_superseded("trace"),
    )
    to_do = Q(is_settled=False, is_superseded=False)
    judged: QuerySet[Any] = counted.annotate(
        is_open=_flag(to_do & Q(n_reviews__lt=F("reviews_required"))),
        is_disputed=_flag(to_do & Q(n_decisions__gt=1)),
    )
    standing: QuerySet[Any] = judged.annotate(is_overdue=_flag(Q(is_open=True, due_at__lt=clock.now())))
    return standing


def with_queue_state(tasks: QuerySet[ReviewTask], user: User) -> QuerySet[Any]:
    """Add to each task how it stands for a person.

    `is_mine` (they reviewed it); `is_of_own_release` (they put the release on record, so its answers are not theirs to
    judge).
    """
    queued: QuerySet[Any] = with_standing(tasks).annotate(
        is_mine=_judged_by(user, "pk"), is_of_own_release=_flag(_is_of_own_release(user, "trace"))
    )
    return queued


def with_revision(reviews: QuerySet[Review]) -> QuerySet[Any]:
    """Add to each review `is_for_earlier_revision`: its answer has a later revision, of which it says nothing."""
    found: QuerySet[Any] = reviews.annotate(is_for_earlier_revision=is_superseded("task__trace"))
    return found


def waits_for(user: User, *, task: str) -> Exists:
    """Return the condition that a task's answer, in whichever revision, may still be judged by this reviewer.

    Args:
        task: where a row of the outer query names its task: "task" of a review.
    """
    return Exists(tasks_waiting_for(user).filter(**_same_answer(f"{task}__trace")))


def releases_to_judge_blind(user: User) -> QuerySet[Any]:
    """Return the keys of the releases of which others judged an answer that this reviewer may still judge."""
    by_others = Review.objects.exclude(reviewer=user).filter(**_same_answer("trace", to="task__trace"))
    theirs = tasks_waiting_for(user).filter(Exists(by_others), trace__release__isnull=False)
    return theirs.order_by().values("trace__release")


def tasks_waiting_for(user: User) -> QuerySet[Any]:
    """Return the tasks by what was said of them, and not by their rows in the queue: one that is missing hides more."""
    of_their_systems = ReviewTask.objects.filter(system__memberships__user=user)
    return with_standing(of_their_systems).filter(may_be_judged_by(user), is_open=True)


def _is_of_own_release(user: User, trace: str) -> Q:
    """Return the condition that a trace's release was put on record by a person, directly or by a token of theirs."""
    return Q(**{f"{trace}__release__in": Release.objects.filter(created_by__in=actors_of(user))})


def _decided_by(user: User, trace: str) -> Exists:
    """Return the condition that a person has decided on an answer, and may still take it back."""
    decided = ReviewDraft.objects.filter(reviewer=user, takes_effect_at__isnull=False)
    return Exists(decided.filter(trace=OuterRef(trace)))


def _judged_by(user: User, task: str) -> Exists:
    return Exists(Review.objects.filter(task=OuterRef(task), reviewer=user))


def _same_answer(outer: str, *, to: str = "trace") -> dict[str, OuterRef]:
    """Compare by answer, not by revision: where the outer row names its trace, and where the inner does."""
    return {f"{to}__{column}": OuterRef(f"{outer}__{column}") for column in ("system", "trace_id")}


def _count(column: str) -> Coalesce:
    """How many different values the reviews of a task have in a column."""
    rows = Review.objects.filter(task=OuterRef("pk")).order_by().values("task")
    counted = rows.annotate(n=Count(column, distinct=True)).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))


def _flag(condition: Q) -> Case:
    return Case(
        When(condition, then=Value(value=True)), default=Value(value=False), output_field=BooleanField()
    )
