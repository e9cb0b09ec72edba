"""What was found last of criteria, and whether that is for the reader to see by now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from requirements.models import Assessment


@dataclass(frozen=True, slots=True)
class LastAssessed:
    """The last assessment of a criterion."""

    assessment: Assessment | None  # of those that the reader may see; None: there is none
    is_hidden: bool  # a later one is not shown to whoever reads: they have an answer to judge that is in it


def last_assessed(criteria: Collection[int], seen: QuerySet[Assessment]) -> Mapping[int, LastAssessed]:
    """Return what was found last of each of these criteria, by their keys, in two queries.

    Asked of each row of a list of ten thousand, PostgreSQL planned the whole list by it, which took half a second.

    Args:
        seen: the assessments that the reader may see.
    """
    newest = dict(_last_of(Assessment.objects.all(), criteria).values_list("criterion_id", "pk"))
    shown = {each.criterion_id: each for each in _last_of(seen.select_related("release"), criteria)}
    return {
        key: LastAssessed(shown.get(key), is_hidden=newest.get(key) != getattr(shown.get(key), "pk", None))
        for key in criteria
    }


def _last_of(rows: QuerySet[Assessment], criteria: Collection[int]) -> QuerySet[Any]:
    of_these = rows.filter(criterion__in=criteria).order_by("criterion_id", "-as_of", "-pk")
    return of_these.distinct("criterion_id").defer("inputs", "slices")
