"""Who is due for a gold answer, among which it is drawn, and which places in the queue are to be given up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet

from evidence import clock
from evidence.actors import actor_of_user, all_actors_of, same_person
from evidence.gold_draws import pick, reviews_until_next
from evidence.models import (
    Adjudication,
    EvalSample,
    GoldAnswer,
    GoldDraw,
    GoldTask,
    LabelSet,
    Membership,
    QueuedTask,
    Review,
    ReviewDraft,
    ReviewTask,
    RiskTier,
    SampleDraw,
    Scope,
    System,
)
from evidence.roles import ROLES
from evidence.selectors.gold import current_gold
from evidence.selectors.review_tasks import QUEUE_ORDER, waiting_for, with_standing
from evidence.selectors.review_work import (
    BY_JUDGING,
    RANKS,
    can_judge,
    can_judge_in,
    day_of,
    language_of,
    rank_of_reason,
)

_REVIEWERS: Final = [name for name, rules in ROLES.items() if Scope.REVIEW in rules.scopes]


@dataclass(frozen=True, slots=True)
class Redrawn:
    """What the secret of the draw before it says of a draw."""

    due_after: int  # reviews
    gold: int  # key


def redraw(draw: GoldDraw) -> Redrawn | None:
    """Draw again what a draw drew, from what is on record; None of the first of a reviewer, which drew nothing.

    Raises:
        GoldDraw.DoesNotExist: the draw before it is not there.
    """
    if draw.number == 0:
        return None
    before = GoldDraw.objects.get(system=draw.system_id, reviewer=draw.reviewer_id, number=draw.number - 1)
    due_after = before.reviews_before + reviews_until_next(before.seed, before.every)
    return Redrawn(due_after, pick(before.seed, draw.among))


def those_to_be_given() -> Iterator[tuple[System, User]]:
    """Yield each reviewer with each of their systems in which an answer is gold."""
    with_gold = System.objects.filter(pk__in=current_gold().values("task__system"))
    members = Membership.objects.filter(system__in=with_gold, user__is_active=True)
    theirs = members.filter(user__groups__name__in=_REVIEWERS).select_related("system", "user").order_by("pk")
    for member in theirs.distinct():
        yield member.system, member.user


def last_draw(system: System, reviewer: User) -> GoldDraw | None:
    """Return the draw whose secret settles the next."""
    return GoldDraw.objects.filter(system=system, reviewer=reviewer).order_by("-number").first()


def count_reviews(system: System, reviewer: User) -> int:
    """Return how many reviews somebody has on record in a system; of gold answers none are."""
    return Review.objects.filter(task__system=system, reviewer=reviewer).count()


def candidates(system: System, reviewer: User) -> list[int]:
    """Return the keys of the gold answers that this reviewer may be given now, ascending.

    None that they, or their account, had any part in; none that they were given before, or wrote of; none that would
    stand out among what waits for them (`_comes_after_others`).
    """
    mine = all_actors_of(reviewer)
    said = Review.objects.filter(task__system=system, reviewer=reviewer, **_same_answer())
    settled = Adjudication.objects.filter(task__system=system, adjudicator=reviewer, **_same_answer())
    given = GoldDraw.objects.filter(
        system=system, reviewer=reviewer, gold__isnull=False, **_same_answer("gold__task")
    )
    made = GoldAnswer.objects.filter(task__system=system, made_by__in=mine, **_same_answer())
    written = ReviewDraft.objects.filter(
        reviewer=reviewer, trace__system=system, trace__trace_id=OuterRef("task__trace__trace_id")
    )
    queued = QueuedTask.objects.filter(task=OuterRef("task"))
    had_part = Q(*(Q(Exists(rows)) for rows in (said, settled, given, made, written)), _connector=Q.OR)
    rows = current_gold().filter(~had_part, ~Exists(queued), ~_is_a_label(), task__system=system)
    rows = rows.exclude(task__reason=BY_JUDGING)
    closed = with_standing(ReviewTask.objects.filter(pk__in=rows.values("task"))).filter(
        is_open=False, is_disputed=False, is_superseded=False, trace__payload_salt__isnull=False
    )
    tasks = {task.pk: task for task in closed.select_related("trace__release").defer("trace__exchanges")}
    first = _first_by_risk(system, reviewer) if tasks else {}
    sampled = _drawn_by_plans(system) if tasks else set[str]()
    return [
        gold.pk
        for gold in rows.order_by("pk")
        if (task := tasks.get(gold.task_id)) is not None
        and _comes_after_others(task, first)
        and task.trace.trace_id.hex not in sampled
        and not _put_on_record_by(task, reviewer)
        and can_judge_in(reviewer, system, language_of(task.trace))
    ]


def to_be_given_up() -> QuerySet[GoldTask]:
    """Return the places in the queue of gold that are there for nothing.

    Their person can judge it no more, whatever they wrote: nobody else is given what waits for somebody, nor they
    another. Or the answer is gold no more, or erased; what somebody is at, or has written something of, stays then.
    """
    reviewers = Membership.objects.filter(
        system=OuterRef("task__system"), user=OuterRef("reviewer"), user__is_active=True,
        user__groups__name__in=_REVIEWERS,
    )  # fmt: skip
    is_theirs = Q(Exists(reviewers)) & can_judge(OuterRef("reviewer"), "task__queued__")
    gold = current_gold().filter(task=OuterRef("task"))
    superseded = with_standing(ReviewTask.objects.filter(pk=OuterRef("task"))).filter(is_superseded=True)
    drafts = ReviewDraft.objects.filter(reviewer=OuterRef("reviewer"), trace=OuterRef("task__trace"))
    held = QueuedTask.objects.filter(task=OuterRef("task"), held_until__gt=clock.now())
    is_over = ~Q(Exists(gold)) | Q(task__trace__payload_salt__isnull=True)
    return GoldTask.objects.filter(
        ~is_theirs | Q(Exists(superseded)) | (is_over & ~Exists(drafts) & ~Exists(held))
    )


def _same_answer(task: str = "task") -> dict[str, OuterRef]:
    return {f"{task}__trace__trace_id": OuterRef("task__trace__trace_id")}


def _is_a_label() -> Q:
    """Return the condition that what was said of an answer shows in labels that were made of it."""
    runs = LabelSet.objects.exclude(made_from=LabelSet.MadeFrom.SHEET).values("run")
    labelled = EvalSample.objects.filter(run__in=runs, trace_id=OuterRef("task__trace__trace_id"))
    return Q(Exists(labelled))


def _drawn_by_plans(system: System) -> set[str]:
    """Return the trace ids of the answers that sampling plans drew, whatever they were asked about for before."""
    draws = SampleDraw.objects.filter(population__plan__system=system).values_list("drawn", flat=True)
    return {str(each[0]).partition("/")[0] for drawn in draws for each in drawn}


def _first_by_risk(system: System, reviewer: User) -> dict[int, tuple[Any, ...]]:
    """Return the place in the queue of what waits for this reviewer first, of each risk."""
    first = waiting_for(reviewer).filter(system=system).distinct("risk_rank")
    return {place[0]: place for place in first.values_list(*QUEUE_ORDER)}


def _comes_after_others(task: ReviewTask, first: Mapping[int, tuple[Any, ...]]) -> bool:
    """Whether something of the same risk waits that is taken before.

    Who works through the queue has seen what was due earlier: what comes in front of the rest cannot be new.
    """
    place = (
        RANKS[RiskTier(task.risk_tier)], day_of(task.due_at), rank_of_reason(task.reason), task.due_at, task.pk,
    )  # fmt: skip
    return place[0] in first and first[place[0]] < place


def _put_on_record_by(task: ReviewTask, reviewer: User) -> bool:
    release = task.trace.release
    return release is not None and same_person(release.created_by, actor_of_user(reviewer))
