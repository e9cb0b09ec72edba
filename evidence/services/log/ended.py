"""Which transactions a check of the rows looks at, and who is told of what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from django.db import connection
from django.db.models import QuerySet


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
