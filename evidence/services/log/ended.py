"""Which transactions a check of the rows looks at, and who is told of what it finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.db.models.expressions import RawSQL

from evidence.clock_rules import SNAPSHOT

_NAMED: Final = 5  # rows of a table that are named
# As of the statement that asks. Not by the function of the clock: its owner may have it say anything.
_NOW: Final = f"({SNAPSHOT}) AS snapshot(before, running)"
_BEFORE: Final = RawSQL(f"(SELECT before FROM {_NOW})", ())  # noqa: S608, S611  # our own text
_RUNNING: Final = RawSQL(f"(SELECT unnest(running) FROM {_NOW})", ())  # noqa: S608, S611  # likewise


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

    def holds(self, number: int) -> bool:
        """Whether a transaction of this number is among these."""
        return self.since <= number < self.before and number not in self.running


def read_ended(since: int) -> Ended:
    """Return the transactions that have ended; one's own is not among them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT before, running, pg_current_xact_id_if_assigned()::text::bigint + tracebinder_xact_offset() "  # noqa: S608  # as above
            f"FROM {_NOW}"
        )
        before, running, own = cursor.fetchone() or (0, [], None)
    return Ended(since, before, (*running, *([own] if own is not None else [])))


def read_plainly() -> None:
    """Have this connection call PostgreSQL's own functions and write numbers in full, whatever its owner has set.

    A setting of the database or the role may put another schema before PostgreSQL's own, which comes first where it is
    not named, or round what is digested. What is set here holds for the transaction one is in, or else for the session.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_catalog.set_config(name, value, %s) FROM (VALUES ('search_path', 'public'), "
            "('extra_float_digits', '1'), ('row_security', 'off')) AS plain (name, value)",
            [connection.in_atomic_block],
        )


def check_all_numbers(faults: Faults, models: Sequence[type[Model]]) -> None:
    """Do what `check_numbers` does for all rows of some tables: those that have any such are found in one statement."""
    ended = read_ended(0)
    each = " UNION ALL ".join(
        f"SELECT {place} AS place WHERE EXISTS (SELECT FROM {model._meta.db_table} AS one WHERE one.xact_id < 1"  # noqa: S608  # names of ours
        " OR (one.xact_id >= %s AND one.xact_id >= (SELECT before FROM snapshot))"
        " OR (one.xact_id = ANY(%s) AND one.xact_id IN (SELECT unnest(running) FROM snapshot)))"
        for place, model in enumerate(models)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH snapshot AS (SELECT * FROM {_NOW}) {each}",  # noqa: S608  # likewise
            [ended.before, list(ended.running)] * len(models),
        )
        places = sorted(place for (place,) in cursor.fetchall())
    check_numbers(faults, (models[place]._default_manager.all() for place in places))


def check_numbers(faults: Faults, rows: Iterable[QuerySet[Any]]) -> None:
    """Find rows of transactions that there were not, or not yet: no range of ended ones reaches them.

    Args:
        rows: of one table each.
    """
    # Whether there was one is told by the snapshot of the statement that finds the rows, which sees none of later ones.
    # An earlier one is named beside it: by a number that is known when it is planned, the index is read and no table.
    ended = read_ended(0)
    to_come = Q(xact_id__gte=ended.before) & Q(xact_id__gte=_BEFORE)
    # Of a transaction that has not ended, nobody else sees a row: it would be left out here for as long as that runs.
    unended = Q(xact_id__in=ended.running) & Q(xact_id__in=_RUNNING)
    for of_table in rows:
        unreal = (
            of_table.filter(Q(xact_id__lt=1) | to_come | unended).order_by("pk").values_list("pk", "xact_id")
        )
        named = [f"{key} of transaction {number}" for key, number in unreal[: _NAMED + 1]]
        if named:
            faults.add(
                f"{of_table.model._meta.label} has rows of transactions that there were not, or that have not ended: "
                f"{', '.join(named[:_NAMED])}{' and more' if len(named) > _NAMED else ''}."
            )
