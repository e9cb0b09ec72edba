"""Who is due for a gold answer, among which it is drawn, and which places in the queue are to be given up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from evidence import clock
from evidence.actors import actor_of_user, all_actors_of, same_person
from evidence.gold_draws import pick, reviews_until_next
from evidence.models import (
    Adjudication,
    EvalSample,
    GoldDraw,
    GoldTask,
    LabelSet,
    Membership,
    QueuedTask,
    Review,
    ReviewDraft,
    ReviewTask,
    SampleDraw,
    Scope,
    System,
)
from evidence.roles import ROLES
from evidence.selectors.gold import current_gold
from evidence.selectors.review_tasks import waiting_for, with_standing
from evidence.selectors.review_work import can_judge_in, language_of

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

    None that they, or their account, had any part in; none that they were given before; none that would stand out
    among what waits for them.
    """
    said = Review.objects.filter(task__system=system, reviewer=reviewer, **_same_answer())
    settled = Adjudication.objects.filter(task__system=system, adjudicator=reviewer, **_same_answer())
    given = GoldDraw.objects.filter(
        system=system, reviewer=reviewer, gold__isnull=False, **_same_answer("gold__task")
    )
    queued = QueuedTask.objects.filter(task=OuterRef("task"))
    had_part = (
        Q(Exists(said)) | Q(Exists(settled)) | Q(Exists(given)) | Q(made_by__in=all_actors_of(reviewer))
    )
    rows = current_gold().filter(~had_part, ~Exists(queued), ~_is_a_label(), task__system=system)
    closed = with_standing(ReviewTask.objects.filter(pk__in=rows.values("task"))).filter(
        is_open=False, is_disputed=False, is_superseded=False, trace__payload_salt__isnull=False
    )
    tasks = {task.pk: task for task in closed.select_related("trace__release").defer("trace__exchanges")}
    earliest = _earliest_that_does_not_stand_out(system, reviewer)
    sampled = _drawn_by_plans(system) if tasks else set[str]()
    return [
        gold.pk
        for gold in rows.order_by("pk")
        if (task := tasks.get(gold.task_id)) is not None
        and task.due_at >= earliest
        and task.trace.trace_id.hex not in sampled
        and not _put_on_record_by(task, reviewer)
        and can_judge_in(reviewer, system, language_of(task.trace))
    ]


def to_be_given_up() -> QuerySet[GoldTask]:
    """Return the places in the queue of gold whose person can judge it no more, or whose answer is gold no more.

    What somebody is at, or has written something of, stays.
    """
    reviewers = Membership.objects.filter(
        system=OuterRef("task__system"), user=OuterRef("reviewer"), user__is_active=True,
        user__groups__name__in=_REVIEWERS,
    )  # fmt: skip
    gold = current_gold().filter(task=OuterRef("task"))
    superseded = with_standing(ReviewTask.objects.filter(pk=OuterRef("task"))).filter(is_superseded=True)
    drafts = ReviewDraft.objects.filter(reviewer=OuterRef("reviewer"), trace=OuterRef("task__trace"))
    held = QueuedTask.objects.filter(task=OuterRef("task"), held_until__gt=clock.now())
    is_over = ~Exists(reviewers) | ~Q(Exists(gold)) | Q(Exists(superseded))
    return GoldTask.objects.filter(is_over, ~Exists(drafts), ~Exists(held))


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


def _earliest_that_does_not_stand_out(system: System, reviewer: User) -> datetime:
    """Return the due time before which no answer waits for this reviewer: one that is older would stand out."""
    waiting = (
        waiting_for(reviewer).filter(system=system).order_by().aggregate(earliest=Min("due_at"))["earliest"]
    )
    now = clock.now()
    return now if waiting is None else min(now, waiting)


def _put_on_record_by(task: ReviewTask, reviewer: User) -> bool:
    release = task.trace.release
    return release is not None and same_person(release.created_by, actor_of_user(reviewer))
