"""Which transactions a check of the rows looks at, and who is told of what it finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

_NAMED: Final = 5  # rows of a table that are named
_BEFORE: Final = RawSQL("(SELECT before FROM tracebinder_snapshot())", ())


class Faults(Protocol):
    """Takes what is found, a sentence each."""

    def add(self, fault: str) -> None:
        """Note one fault."""


class Transactions(Protocol):
    """Which transactions' rows are looked at."""

    @property
    def condition(self) -> str:
        """The SQL condition on `one.xact_id`."""

    @property
    def arguments(self) -> list[Any]:
        """What the condition takes."""

    def of(self, rows: QuerySet[Any], number: str = "xact_id") -> QuerySet[Any]:
        """Narrow rows to those that these transactions wrote, as a column of theirs says."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Transactions that are named one by one: a few hundred at most, because each statement names them."""

    numbers: tuple[int, ...]

    @property
    def condition(self) -> str:
        """The SQL condition on `one.xact_id`."""
        return "one.xact_id = ANY(%s)"

    @property
    def arguments(self) -> list[Any]:
        """What the condition takes."""
        return [list(self.numbers)]

    def of(self, rows: QuerySet[Any], number: str = "xact_id") -> QuerySet[Any]:
        """Narrow rows to those that these transactions wrote, as a column of theirs says."""
        return rows.filter(**{f"{number}__in": self.numbers})


@dataclass(frozen=True, slots=True)
class Ended:
    """The transactions that are checked: those that had ended when the check began, from one number on."""

    since: int
    before: int
    running: tuple[int, ...]

    @property
    def condition(self) -> str:
        """The SQL condition on `one.xact_id`."""
        return "one.xact_id >= %s AND one.xact_id < %s AND one.xact_id <> ALL(%s)"

    @property
    def arguments(self) -> list[Any]:
        """What the condition takes."""
        return [self.since, self.before, list(self.running)]

    def of(self, rows: QuerySet[Any], number: str = "xact_id") -> QuerySet[Any]:
        """Narrow rows to those that these transactions wrote, as a column of theirs says."""
        return rows.filter(**{f"{number}__gte": self.since, f"{number}__lt": self.before}).exclude(
            **{f"{number}__in": self.running}
        )


def read_ended(since: int) -> Ended:
    """Return the transactions that have ended; one's own is not among them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT before, running, pg_current_xact_id_if_assigned()::text::bigint + tracebinder_xact_offset() "
            "FROM tracebinder_snapshot()"
        )
        before, running, own = cursor.fetchone() or (0, [], None)
    return Ended(since, before, (*running, *([own] if own is not None else [])))


def check_numbers(faults: Faults, rows: Iterable[QuerySet[Any]]) -> None:
    """Find rows of transactions that there were not: no range of ended ones reaches them, and no event binds them.

    Args:
        rows: of one table each.
    """
    # Whether there was one is told by the snapshot of the statement that finds the rows, which sees none of later ones.
    # An earlier one is named beside it: by a number that is known when it is planned, the index is read and no table.
    to_come = Q(xact_id__gte=read_ended(0).before) & Q(xact_id__gte=_BEFORE)
    for of_table in rows:
        unreal = of_table.filter(Q(xact_id__lt=1) | to_come).order_by("pk").values_list("pk", "xact_id")
        named = [f"{key} of transaction {number}" for key, number in unreal[: _NAMED + 1]]
        if named:
            faults.add(
                f"{of_table.model._meta.label} has rows of transactions that there were not: "
                f"{', '.join(named[:_NAMED])}{' and more' if len(named) > _NAMED else ''}."
            )
