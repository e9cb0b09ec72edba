"""How many rows there are, counted no further than a figure helps: what waits may be any number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

from django.db.models import Count, QuerySet, Value

MOST_COUNTED: Final = 500  # rows


def count_some(rows: QuerySet[Any]) -> int:
    """Return how many rows there are, and for any more than `MOST_COUNTED` one more than that."""
    return rows.order_by()[: MOST_COUNTED + 1].count()


def told_count(n: int) -> str:
    """Return how a count of `count_some` is shown: "37", or "500+" where there are more."""
    return str(n) if n <= MOST_COUNTED else f"{MOST_COUNTED}+"


class Waits(NamedTuple):
    """What waits of one kind."""

    rows: QuerySet[Any]
    since: str  # the column or annotation that says when a row began to
    # By which of them, with an index, the database finds the first without the others: rows are mostly written in the
    # order in which they began to wait, and sorted by `since`, each that waits is found before the first is counted.
    order: str = "pk"


@dataclass(frozen=True, slots=True)
class Counted:
    """How many rows wait, as `count_some` counts, and since when the first of those counted does."""

    n: int = 0
    since: datetime | None = None  # None: nothing waits


def count_each(kinds: Mapping[str, Waits]) -> dict[str, Counted]:
    """Return how much waits of each kind, and since when: one statement, however many kinds.

    Args:
        kinds: by name.
    """
    sliced = [
        kind.rows.order_by(kind.order).values_list(Value(name), kind.since)[: MOST_COUNTED + 1]
        for name, kind in kinds.items()
    ]
    counted = dict.fromkeys(kinds, Counted())
    if not sliced:
        return counted
    first, *others = sliced
    for name, began in first.union(*others, all=True) if others else first:
        before = counted[name]
        oldest = began if before.since is None else min(before.since, began)
        counted[name] = Counted(before.n + 1, oldest)
    return counted


def count_all(lists: Sequence[QuerySet[Any]]) -> list[int]:
    """Return how many rows there are in each of these lists, all of them counted: one statement, however many lists."""
    counts = [0] * len(lists)
    told = [
        rows.order_by()
        .values(place=Value(place))
        .annotate(n_counted=Count("pk"))
        .values_list("place", "n_counted")
        for place, rows in enumerate(lists)
    ]
    if told:
        first, *others = told
        for place, n in first.union(*others, all=True) if others else first:
            counts[place] = n
    return counts


class CountsOfPage:
    """Everything that a page counts: it is counted together, when the first figure is read."""

    def __init__(self) -> None:
        self._asked: list[QuerySet[Any]] = []
        self._counts: list[int] = []

    def ask(self, rows: QuerySet[Any]) -> Callable[[], int]:
        """Return what tells how many rows there are."""
        self._asked.append(rows)
        return partial(self._read, len(self._asked) - 1)

    def _read(self, place: int) -> int:
        if place >= len(self._counts):
            self._counts += count_all(self._asked[len(self._counts) :])
        return self._counts[place]
