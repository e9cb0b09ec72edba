"""The tab of what was asked before: nearly the same questions, and what was judged of their answers.

What is read of judgements is what this person may read anywhere: of an answer that they may still judge, nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models.functions import Left

from evidence.access import visible_to
from evidence.errors import SearchTooWide
from evidence.models import Adjudication, Review, ReviewTask, Trace
from evidence.pages.review_desk.looking import Looking
from evidence.selectors.alike_questions import ALIKE, MOST, AlikeQuestion, find_alike
from evidence.selectors.review_tasks import with_standing
from evidence.selectors.revisions import is_superseded

_MOST_SHOWN: Final = 6
_READ: Final = ("pk", "system__name", "release__name", "language", "started_at")
_LONGEST: Final = 600  # characters of question and of answer


@dataclass(frozen=True, slots=True)
class AskedBefore:
    """An answer to nearly the same question."""

    trace: Any  # with the beginnings of what was `asked` and `said`
    alike: int  # of 100 characters
    reviews: Sequence[Review]
    settled: Adjudication | None
    n_hidden: int  # reviews that this person may not read yet


def asked_context(looking: Looking) -> dict[str, Any]:
    """Return the nearly identical questions: those that were judged first, the newest of them first."""
    trace, told = looking.trace, {"least": ALIKE, "most": MOST}
    if not trace.question.strip():
        return {**told, "asked": [], "n_found": 0, "gave_up": False}
    others = visible_to(Trace.objects.filter(~is_superseded()), looking.principal)
    others = others.exclude(system=trace.system_id, trace_id=trace.trace_id)
    try:
        found = find_alike(trace.question, others, looking.principal.system_ids)
    except SearchTooWide:
        return {**told, "asked": [], "n_found": 0, "gave_up": True}
    return {**told, "asked": _with_judgements(found, looking), "n_found": len(found), "gave_up": False}


def _with_judgements(found: Sequence[AlikeQuestion], looking: Looking) -> list[AskedBefore]:
    keys = [one.pk for one in found]
    tasks = with_standing(ReviewTask.objects.filter(trace__in=keys))
    n_said: Mapping[int, int] = dict(tasks.filter(n_reviews__gt=0).values_list("trace", "n_reviews"))
    first = sorted(found, key=lambda one: (one.pk not in n_said, -one.pk))[:_MOST_SHOWN]
    shown = [one.pk for one in first]
    texts = {"asked": Left("question", _LONGEST), "said": Left("answer", _LONGEST)}
    rows: Any = Trace.objects.select_related("system", "release").only(*_READ).annotate(**texts)
    traces = rows.in_bulk(shown)
    reviews = _by_trace(
        visible_to(Review.objects.filter(task__trace__in=shown), looking.principal)
        .select_related("reviewer", "task")
        .order_by("pk")
    )
    settled = _by_trace(
        visible_to(Adjudication.objects.filter(task__trace__in=shown), looking.principal)
        .select_related("task")
        .order_by("pk")
    )
    return [
        AskedBefore(
            traces[one.pk],
            one.alike,
            reviews[one.pk],
            next(iter(settled[one.pk]), None),
            n_said.get(one.pk, 0) - len(reviews[one.pk]),
        )
        for one in first
    ]


def _by_trace(rows: Any) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.task.trace_id].append(row)
    return found
