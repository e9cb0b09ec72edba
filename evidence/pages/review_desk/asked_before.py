"""The tab of what was asked before: nearly the same questions, and what was judged of their answers.

What is read of judgements is what this person may read anywhere: of an answer that they may still judge, nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import BooleanField, Count, ExpressionWrapper, Q, QuerySet, Window
from django.db.models.functions import Left

from evidence.access import visible_to
from evidence.admin.review.reason import REASON_JOINS
from evidence.models import Adjudication, Review, Trace
from evidence.pages.review_desk.looking import Looking
from evidence.selectors.alike_questions import ALIKE, MOST, find_alike
from evidence.selectors.review_tasks import count_reviews
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
    trace = looking.trace
    alike = find_alike(trace.question, looking.principal.system_ids) if trace.question.strip() else {}
    rows = list(_choose(list(alike), looking)) if alike else []
    return {
        "asked": _with_judgements(rows, alike, looking) if rows else [],
        "n_found": rows[0].n_found if rows else 0,
        "least": ALIKE,
        "most": MOST - 1,  # without the answer itself
    }


def _choose(keys: Sequence[int], looking: Looking) -> QuerySet[Any]:
    """Return those that are shown, each with the number of its reviews and of all that this person may see."""
    own = {"system": looking.trace.system_id, "trace_id": looking.trace.trace_id}
    current = Trace.objects.filter(~is_superseded(), pk__in=keys).exclude(**own)
    seen: Any = visible_to(current, looking.principal).select_related("system", "release").only(*_READ)
    counted = seen.annotate(
        n_reviews=count_reviews(looking.principal.person, task="review_task__pk"),
        n_found=Window(Count("pk")),
        asked=Left("question", _LONGEST),
        said=Left("answer", _LONGEST),
    )
    chosen: QuerySet[Any] = counted.order_by(ExpressionWrapper(Q(n_reviews=0), BooleanField()), "-pk")[
        :_MOST_SHOWN
    ]
    return chosen


def _with_judgements(rows: Sequence[Any], alike: Mapping[int, int], looking: Looking) -> list[AskedBefore]:
    judged = [row.pk for row in rows if row.n_reviews]
    said = visible_to(Review.objects.filter(task__trace__in=judged), looking.principal)
    reviews = (
        _by_trace(said.select_related("reviewer", "task", *REASON_JOINS).order_by("pk")) if judged else {}
    )
    several = [key for key, of_one in reviews.items() if len({review.decision for review in of_one}) > 1]
    settled: dict[int, list[Adjudication]] = {}
    if several:  # two queries that most pages need not
        settling = visible_to(Adjudication.objects.filter(task__trace__in=several), looking.principal)
        settled = _by_trace(settling.select_related("task"))
    return [
        AskedBefore(
            row,
            alike[row.pk],
            reviews.get(row.pk, []),
            next(iter(settled.get(row.pk, [])), None),
            row.n_reviews - len(reviews.get(row.pk, [])),
        )
        for row in rows
    ]


def _by_trace(rows: Any) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.task.trace_id].append(row)
    return found
