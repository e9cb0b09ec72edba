"""The tab of what was asked before: nearly the same questions, and what was judged of their answers.

What is read of judgements is what this person may read anywhere: of an answer that they may still judge, nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce, Left

from evidence.access import visible_to
from evidence.admin.review.reason import REASON_JOINS
from evidence.models import Adjudication, Review, ReviewTask, Trace
from evidence.pages.review_desk.looking import Looking
from evidence.selectors.alike_questions import ALIKE, MOST, find_alike
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
    trace = looking.trace
    alike = find_alike(trace.question, looking.principal.system_ids) if trace.question.strip() else {}
    rows = _read(list(alike), looking) if alike else []
    return {
        "asked": _with_judgements(rows[:_MOST_SHOWN], alike, looking) if rows else [],
        "n_found": len(rows),
        "least": ALIKE,
        "most": MOST - 1,  # without the answer itself
    }


def _read(keys: Sequence[int], looking: Looking) -> list[Any]:
    """Return those of some traces that this person may see, each with the number of its reviews, in order."""
    own = {"system": looking.trace.system_id, "trace_id": looking.trace.trace_id}
    current = Trace.objects.filter(~is_superseded(), pk__in=keys).exclude(**own)
    of_task = with_standing(ReviewTask.objects.filter(trace=OuterRef("pk")), looking.principal.person).values(
        "n_reviews"
    )[:1]
    rows: Any = visible_to(current, looking.principal).select_related("system", "release").only(*_READ)
    counted = rows.annotate(
        n_reviews=Coalesce(Subquery(of_task), 0),
        asked=Left("question", _LONGEST),
        said=Left("answer", _LONGEST),
    )
    return sorted(counted, key=lambda row: (not row.n_reviews, -row.pk))


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
