"""Gold answers: made and withdrawn by approvers, and given to reviewers by a draw that nobody chooses.

Nothing is given where TRACEBINDER_REVIEW_GOLD_EVERY is 0 (docs/decisions/0096-gold-answers.md).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from evidence import acts, clock
from evidence.access import Principal, visible_to
from evidence.actors import actor_of_component, same_person
from evidence.errors import ConflictingContent, InvalidInput
from evidence.gold_draws import pick, reviews_until_next
from evidence.locks import Lock, hold
from evidence.models import GoldAnswer, GoldDraw, GoldTask, Review, ReviewTask, System
from evidence.selectors.gold_draws import (
    candidates,
    count_reviews,
    last_draw,
    those_to_be_given,
    to_be_given_up,
)
from evidence.services import audit, review_queue
from evidence.worded import worded

ACTOR: Final = actor_of_component("review-desk")


@transaction.atomic
def make_gold(*, principal: Principal, task: ReviewTask, right: Iterable[str], rationale: str) -> GoldAnswer:
    """Say what is right of a closed answer; it takes the place of what was said before, and said again it is the same.

    Args:
        right: decisions, each of which is right.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_make_gold` does.
        InvalidInput: no decision is right, one is none, or it is not said why.
    """
    hold(Lock.GOLD, task.system_id)
    acts.check_can_make_gold(principal, task)
    named = set(right)
    unknown = sorted(named - set(Review.Decision.values))
    if unknown or not named:
        raise InvalidInput(
            worded("One or more of %(decisions)s are right.", decisions=", ".join(Review.Decision.values))
        )
    if not rationale.strip():
        raise InvalidInput(worded("Say why this is right: whoever judged the answer reads it."))
    decisions = [each for each in Review.Decision.values if each in named]
    last = _last(task)
    if (
        last is not None
        and (last.right, last.rationale) == (decisions, rationale.strip())
        and same_person(last.made_by, principal.actor)
    ):
        return last
    return _store("gold_answer.made", principal, task, last, right=decisions, rationale=rationale.strip())


@transaction.atomic
def withdraw_gold(*, principal: Principal, task: ReviewTask, reason: str) -> GoldAnswer:
    """Say that an answer is gold no more: what was said of it counts in no result.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_withdraw_gold` does.
        ConflictingContent: it is not gold, as far as this person may know.
        InvalidInput: no reason is given.
    """
    hold(Lock.GOLD, task.system_id)
    acts.check_can_withdraw_gold(principal, task)
    if not reason.strip():
        raise InvalidInput(worded("Say why this answer is gold no more."))
    last = _last(task) if visible_to(GoldAnswer.objects.filter(task=task), principal).exists() else None
    if last is not None and last.is_withdrawn and last.rationale == reason.strip():
        return last
    if last is None or last.is_withdrawn:
        raise ConflictingContent(worded("This answer is not gold."))
    return _store(
        "gold_answer.withdrawn", principal, task, last, right=[], rationale=reason.strip(), is_withdrawn=True
    )


def draw_gold() -> int:
    """Give each reviewer who has judged enough since their last one a gold answer; return how many were given."""
    for given in to_be_given_up():
        _give_up(given.pk)
    if not settings.REVIEW_GOLD_EVERY:
        return 0
    return sum(_draw(system, reviewer) for system, reviewer in those_to_be_given())


@transaction.atomic
def _draw(system: System, reviewer: User) -> bool:
    if not _is_due(system, reviewer):  # asked again below: most are not, and need no lock
        return False
    hold(Lock.GOLD, system.pk)
    last = last_draw(system, reviewer)
    if last is None:
        _keep(GoldDraw(system=system, reviewer=reviewer, number=0, among=[]))
        return False
    among = candidates(system, reviewer) if _is_due(system, reviewer) else []
    if not among:
        return False
    gold = GoldAnswer.objects.select_related("task__trace", "task__system").get(pk=pick(last.seed, among))
    drawn = _keep(GoldDraw(system=system, reviewer=reviewer, number=last.number + 1, gold=gold, among=among))
    hold(Lock.REVIEW_TASK, gold.task_id)
    GoldTask.objects.create(task=gold.task, reviewer=reviewer, draw=drawn)
    review_queue.requeue(gold.task)
    return True


def _is_due(system: System, reviewer: User) -> bool:
    last = last_draw(system, reviewer)
    if last is None:
        return True
    if GoldTask.objects.filter(task__system=system, reviewer=reviewer).exists():
        return False
    since = count_reviews(system, reviewer) - last.reviews_before
    return since >= reviews_until_next(last.seed, last.every)


def _keep(draw: GoldDraw) -> GoldDraw:
    draw.reviews_before = count_reviews(draw.system, draw.reviewer)
    draw.seed, draw.every = secrets.token_hex(32), settings.REVIEW_GOLD_EVERY
    draw.created_at = clock.now()
    draw.save(force_insert=True)
    audit.record(verb="gold_answer.drawn", actor=ACTOR, obj=draw, system=draw.system)
    return draw


@transaction.atomic
def _give_up(task_id: int) -> None:
    hold(Lock.REVIEW_TASK, task_id)
    given = to_be_given_up().filter(pk=task_id).select_related("task__trace", "task__system", "draw").first()
    if given is not None:
        task = given.task
        audit.record(verb="gold_answer.given_up", actor=ACTOR, obj=given.draw, system=task.system)
        GoldTask.objects.filter(pk=task_id).delete()
        review_queue.requeue(task)


def _last(task: ReviewTask) -> GoldAnswer | None:
    return GoldAnswer.objects.filter(task=task).order_by("-number").first()


def _store(
    verb: str, principal: Principal, task: ReviewTask, last: GoldAnswer | None, **said: object
) -> GoldAnswer:
    stored = GoldAnswer.objects.create(
        task=task, number=1 if last is None else last.number + 1, made_by=principal.actor, **said
    )
    audit.record(verb=verb, actor=principal.actor, obj=stored, system=task.system)
    return stored
