"""What was found last of criteria, and whether that is for the reader to see by now."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from requirements.models import AcceptanceCriterion, Assessment


def with_last_assessed(criteria: QuerySet[AcceptanceCriterion], seen: QuerySet[Assessment]) -> QuerySet[Any]:
    """Annotate criteria with their last assessment of those that are seen, and with the key of the last of all.

    Where the two differ, what was found last is not shown to whoever reads: they have an answer to judge that is in it.

    Args:
        seen: the assessments that the reader may see.
    """

    def newest(rows: QuerySet[Assessment], column: str) -> Subquery:
        last = rows.filter(criterion=OuterRef("pk")).order_by("-as_of", "-pk")
        return Subquery(last.values(column)[:1])

    annotated: QuerySet[Any] = criteria.annotate(
        last_id=newest(seen, "pk"),
        last_verdict=newest(seen, "verdict"),
        last_release=newest(seen, "release__name"),
        newest_id=newest(Assessment.objects.all(), "pk"),
    )
    return annotated
