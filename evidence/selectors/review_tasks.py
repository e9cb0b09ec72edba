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
from evidence.actors import all_actors_of
from evidence.models import (
    Adjudication,
    Membership,
    QueuedTask,
    Release,
    Review,
    ReviewDraft,
    ReviewTask,
    Trace,
)
from evidence.selectors.gold import is_given, is_given_to_another
from evidence.selectors.review_work import is_given_to
from evidence.selectors.revisions import is_superseded

# The order in which people take what waits: high risk first, then the day it is due, what was drawn by a sampling plan
# before the rest of the day, and then the time. Over `QueuedTask`, and from a task.
QUEUE_ORDER: Final = ("risk_rank", "due_on", "reason_rank", "due_at", "task")
TASK_ORDER: Final = (*(f"queued__{column}" for column in QUEUE_ORDER[:-1]), "pk")


_JUDGE, _SETTLE = QueuedTask.Stage.JUDGE, QueuedTask.Stage.SETTLE


class TaskStanding(StrEnum):
    """What a task can be asked for by; `waiting` and `mine` are one person's."""

    WAITING = "waiting"
    OPEN = "open"
    OVERDUE = "overdue"
    DISPUTED = "disputed"
    MINE = "mine"
    CLOSED = "closed"


def in_standing(tasks: QuerySet[ReviewTask], standing: TaskStanding, user: User) -> QuerySet[Any]:
    """Return the tasks that stand so for a person, by their rows in the queue."""
    return tasks.filter(_stands(standing, user))


def _stands(standing: TaskStanding, user: User) -> Q:
    to_judge = Q(queued__stage=_JUDGE) & ~is_given_to_another(user, "pk")
    match standing:
        case TaskStanding.WAITING:
            return to_judge & is_given_to(user, "queued") & _waits_for_word_of(user)
        case TaskStanding.OPEN:
            return to_judge
        case TaskStanding.OVERDUE:
            return to_judge & Q(due_at__lt=clock.now())
        case TaskStanding.DISPUTED:  # whoever may not settle is told of none
            return Q(queued__stage=_SETTLE) & is_given_to(user, "queued") & _waits_for_word_of(user)
        case TaskStanding.MINE:
            return Q(_judged_by(user, "pk"))
        case TaskStanding.CLOSED:
            return Q(~Exists(queued_for(user).filter(task=OuterRef("pk"), stage=_JUDGE)))


def waiting_for(user: User, stage: str = _JUDGE) -> QuerySet[QueuedTask]:
    """Return what waits for a reviewer in their systems, in the order in which it is taken.

    What they have decided, and may still take back, waits for them no more. What they cannot judge does not, nor does
    anything while they, or the queue of its system, pause.

    Args:
        stage: to be judged, or, as a disagreement that they are not part of, to be settled.
    """
    systems = Membership.objects.filter(user=user).values("system")
    of_their_systems = queued_for(user).filter(stage=stage, system__in=systems)
    return of_their_systems.filter(is_given_to(user), _waits_for_word_of(user)).order_by(*QUEUE_ORDER)


def held_by(user: User) -> QuerySet[QueuedTask]:
    """Return what a reviewer holds and has not decided on, of either stage, in the order in which it is taken.

    However it came to them: also while they, or the queue of its system, pause, and beside what they can judge.
    """
    systems = Membership.objects.filter(user=user).values("system")
    held = queued_for(user).filter(held_by=user, held_until__gt=clock.now(), system__in=systems)
    return held.filter(_waits_for_word_of(user)).order_by(*QUEUE_ORDER)


def queued_for(user: User | None) -> QuerySet[QueuedTask]:
    """Return the queue without what is there for somebody else alone."""
    return QueuedTask.objects.filter(~is_given_to_another(user, "pk"))


def find_disputed(trace: Trace, user: User) -> ReviewTask | None:
    """Return the task of an answer that its reviewers disagree about, where that is still to be settled."""
    task = find_task(trace, user)
    return task if task is not None and waits_to_be_settled(task) else None


def find_task(trace: Trace, user: User) -> Any:
    """Return the task of an answer with how it stands for a person; None where nobody was asked."""
    tasks = ReviewTask.objects.filter(trace=trace).select_related("system", "trace__system", "trace__release")
    return with_standing(tasks, user).defer("trace__exchanges").first()


def waits_to_be_settled(task: Any) -> bool:
    """Whether all the reviews asked for are there, and disagree. Of a task as `find_task` returns it."""
    return bool(task.is_disputed and not task.is_open)


def is_free(user: User, now: datetime) -> Q:
    """Return the condition that nobody else holds a row of the queue."""
    return Q(held_by__isnull=True) | Q(held_by=user) | Q(held_until__lte=now)


def find_held_by_another(task: ReviewTask, user: User) -> QueuedTask | None:
    """Return the row of a task that somebody else holds, with who does; it says nothing of what they think of it.

    Of an answer that is there for somebody else alone nobody is told.
    """
    held = queued_for(user).filter(task=task).exclude(is_free(user, clock.now()))
    return held.select_related("held_by").first()


def with_standing(tasks: QuerySet[ReviewTask], user: User | None = None) -> QuerySet[Any]:
    """Add to each task how it stands; for a person, who is told of one that is open to them as gold that it waits.

    `n_reviews` and `n_decisions` (different ones); `is_settled` (adjudicated); `is_superseded` (its answer has a later
    revision, to be judged in its place); `is_open` (fewer reviews than asked for, neither adjudicated nor superseded);
    `is_overdue` (open after its due time); `is_disputed` (reviewers disagree, nobody settled it, and the answer is
    still this one).
    """
    settled = Adjudication.objects.filter(task=OuterRef("pk"))
    counted: QuerySet[Any] = tasks.annotate(
        n_reviews=count_reviews(user),
        n_decisions=count_reviews(user, column="decision"),
        is_settled=Exists(settled) if user is None else _flag(Q(Exists(settled)) & ~is_given(user, "pk")),
        is_superseded=is_superseded("trace"),
    )
    to_do = Q(is_settled=False, is_superseded=False)
    judged: QuerySet[Any] = counted.annotate(
        is_open=_flag(to_do & Q(n_reviews__lt=F("reviews_required"))),
        is_disputed=_flag(to_do & Q(n_decisions__gt=1)),
    )
    standing: QuerySet[Any] = judged.annotate(is_overdue=_flag(Q(is_open=True, due_at__lt=clock.now())))
    return standing


def count_reviews(user: User | None, *, task: str = "pk", column: str = "pk") -> Coalesce:
    """Count the reviews of a task, or how many different values they have: of one that is gold to a person, none.

    Args:
        task: where a row of the outer query names the key of its task: "review_task__pk" where it is a trace.
        column: of a review, whose different values are counted.
    """
    said = Review.objects.filter(task=OuterRef(task))
    told = said if user is None else said.filter(~is_given(user, "task"))
    rows = told.order_by().values("task")
    counted = rows.annotate(n=Count(column, distinct=True)).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))


def with_queue_state(tasks: QuerySet[ReviewTask], user: User) -> QuerySet[Any]:
    """Add to each task how it stands for a person.

    `is_mine` (they reviewed it); `is_of_own_release` (they put the release on record, so its answers are not theirs to
    judge).
    """
    queued: QuerySet[Any] = with_standing(tasks, user).annotate(
        is_mine=_judged_by(user, "pk"), is_of_own_release=_flag(_is_of_own_release(user, "trace"))
    )
    return queued


def with_revision(reviews: QuerySet[Review]) -> QuerySet[Any]:
    """Add to each review `is_for_earlier_revision`: its answer has a later revision, of which it says nothing."""
    found: QuerySet[Any] = reviews.annotate(is_for_earlier_revision=is_superseded("task__trace"))
    return found


def waits_for(user: User, *, task: str) -> Exists:
    """Return the condition that a task's answer, in whichever revision, may still be judged by this reviewer.

    It is asked of one row at a time. PostgreSQL would rather find all answers that wait first and keep them, because it
    does not see that a page ends after some rows: that takes seconds at a hundred thousand tasks. It can only do so
    where nothing but equality ties the two together, so a comparison is added that always holds.

    Args:
        task: where a row of the outer query names its task: "task" of a review.
    """
    waiting = tasks_waiting_for(user).filter(**_same_answer(f"{task}__trace"))
    return Exists(waiting.filter(trace__revision__gt=OuterRef(f"{task}__trace__revision") * 0))


def releases_to_judge_blind(user: User) -> QuerySet[Any]:
    """Return the keys of the releases of which others judged an answer that this reviewer may still judge.

    Not for one that is open to them as gold: what counts many answers and names none does not lead, and that it were
    gone would tell, where nothing that waits has been judged.

    Only rows of the queue that may have reviews are asked: to ask each task took 0.7 s at a hundred thousand.
    """
    by_others = Review.objects.exclude(reviewer=user).filter(**_same_answer("trace", to="task__trace"))
    queued = QueuedTask.objects.filter(may_have_reviews=True)
    waiting = tasks_waiting_for(user).filter(~is_given(user, "pk"), pk__in=queued.values("pk"))
    theirs = waiting.filter(Exists(by_others), trace__release__isnull=False)
    return theirs.order_by().values("trace__release")


def tasks_waiting_for(user: User) -> QuerySet[Any]:
    """Return the tasks by what was said of them, and not by their rows in the queue: one that is missing hides more.

    What was erased waits for nobody.
    """
    of_their_systems = ReviewTask.objects.filter(
        system__memberships__user=user, trace__payload_salt__isnull=False
    )
    theirs = ~_judged_by(user, "pk") & ~_is_of_own_release(user, "trace")
    return with_standing(of_their_systems, user).filter(theirs, is_open=True)


def _is_of_own_release(user: User, trace: str) -> Q:
    """Return the condition that a trace's release was put on record by a person, directly or by a token of theirs."""
    return Q(**{f"{trace}__release__in": Release.objects.filter(created_by__in=all_actors_of(user))})


def _waits_for_word_of(user: User) -> Q:
    """Return the condition that a person may judge what waits, and has not decided on it.

    Over tasks or rows of the queue, whose keys are the same. What is theirs is few, and is looked up once: joined to
    each row that waits, tasks and traces took most of the time of every page that counts.
    """
    decided = ReviewDraft.objects.filter(reviewer=user, takes_effect_at__isnull=False)
    own = QueuedTask.objects.filter(_is_of_own_release(user, "task__trace"))
    return (
        ~Q(Exists(Review.objects.filter(task=OuterRef("pk"), reviewer=user)))
        & ~Q(pk__in=ReviewTask.objects.filter(trace__in=decided.values("trace")).values("pk"))
        & ~Q(pk__in=own.values("pk"))
    )


def _judged_by(user: User, task: str) -> Exists:
    return Exists(Review.objects.filter(task=OuterRef(task), reviewer=user))


def _same_answer(outer: str, *, to: str = "trace") -> dict[str, OuterRef]:
    """Compare by answer, not by revision: where the outer row names its trace, and where the inner does."""
    return {f"{to}__{column}": OuterRef(f"{outer}__{column}") for column in ("system", "trace_id")}


def _flag(condition: Q) -> Case:
    return Case(
        When(condition, then=Value(value=True)), default=Value(value=False), output_field=BooleanField()
    )
