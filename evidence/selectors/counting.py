"""How many rows there are, counted no further than a figure helps: what waits may be any number."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet

MOST_COUNTED: Final = 500  # rows


def count_some(rows: QuerySet[Any]) -> int:
    """Return how many rows there are, and for any more than `MOST_COUNTED` one more than that."""
    return rows.order_by()[: MOST_COUNTED + 1].count()


def told_count(n: int) -> str:
    """Return how a count of `count_some` is shown: "37", or "500+" where there are more."""
    return str(n) if n <= MOST_COUNTED else f"{MOST_COUNTED}+"
