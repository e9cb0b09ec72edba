"""Gold answers: to whom a closed task is open again, which is gold now, and what of it a reviewer may know.

From being given until they judged it, such a task looks to its reviewer as any that waits for them, and to everybody
else as closed. Every list, count and door asks here.
"""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import CharField, Exists, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from evidence.actors import all_actors_of
from evidence.models import (
    Adjudication,
    AuditEvent,
    GoldAnswer,
    GoldDraw,
    GoldJudgement,
    GoldTask,
    Review,
    Trace,
)

GOLD: Final = (GoldAnswer, GoldDraw, GoldTask, GoldJudgement)


def is_given(user: User, task: str) -> Q:
    """Return the condition that a task is open to a person as gold.

    Args:
        task: where a row of the outer query names its task: "pk" of one.
    """
    return Q(Exists(GoldTask.objects.filter(task=OuterRef(task), reviewer=user.pk)))


def is_given_to_another(user: User | None, task: str) -> Q:
    """Return the condition that a place in the queue is there for somebody else alone."""
    person = None if user is None else user.pk
    return Q(Exists(GoldTask.objects.filter(task=OuterRef(task)).exclude(reviewer=person)))


def find_given(user: User, trace: Trace) -> GoldTask | None:
    """Return the task of an answer that is open to a person as gold."""
    return GoldTask.objects.select_related("draw").filter(task__trace=trace, reviewer=user).first()


def find_judged(user: User, trace: Trace) -> GoldJudgement | None:
    """Return what a person said of an answer when it was given to them as gold."""
    return GoldJudgement.objects.filter(task__trace=trace, reviewer=user).first()


def current_gold() -> QuerySet[GoldAnswer]:
    """Return the row of each answer that counts: the last, unless it is withdrawn."""
    later = GoldAnswer.objects.filter(task=OuterRef("task"), number__gt=OuterRef("number"))
    return GoldAnswer.objects.filter(~Exists(later), is_withdrawn=False)


def gold_shown_to(rows: QuerySet[Any], reviewer: User) -> QuerySet[Any]:
    """Leave a reviewer what they made, what they judged, and what they said of it; of draws nothing."""
    if rows.model is GoldAnswer:
        judged = GoldJudgement.objects.filter(task=OuterRef("task"), reviewer=reviewer)
        return rows.filter(Q(made_by__in=all_actors_of(reviewer)) | Exists(judged))
    if rows.model is GoldJudgement:
        return rows.filter(reviewer=reviewer)
    return rows.none()


def events_hidden_from(reviewer: User) -> Q:
    """Return the condition that an event would tell a reviewer of gold: of its rows, and of what closed such a task."""
    given = GoldTask.objects.filter(reviewer=reviewer).values("task")
    hidden = Q(object_type__in=[model._meta.label for model in GOLD])
    for model in (Review, Adjudication):
        said = model._default_manager.filter(task__in=given).annotate(key=Cast("pk", CharField()))
        hidden |= Q(object_type=model._meta.label, object_id__in=said.values("key"))
    return hidden


def hidden_gold(model: type[Model], reviewer: User) -> Q:
    """Return the condition that a row of the log tells a reviewer of gold; empty for what is not of the log."""
    if model is AuditEvent:
        return events_hidden_from(reviewer)
    hidden = Q()
    for field in model._meta.fields:
        if field.related_model is AuditEvent:
            hidden |= Q(**{f"{field.name}__in": AuditEvent.objects.filter(events_hidden_from(reviewer))})
    return hidden
