"""What follows from stored rows alone, kept by a process until a row is written that it could follow from.

A page that judges everything a system has on record finds, nearly always, what it found a minute before. So what was
found is kept with the snapshot that it was read after, and each time it is asked for, PostgreSQL is asked first whether
any of the tables that it follows from has a row of these systems that was not committed by then. If so it is found
anew. Rows are only ever added, each with its transaction (`evidence.clock`), so that nothing shown is older than what
is stored (docs/decisions/0116).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from cachetools import LRUCache
from django.db import connection
from django.db.models import Q, QuerySet, Value

from evidence import clock
from evidence.models.base import AppendOnlyModel

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Found(Generic[_T]):
    """What was found, and what else than rows could make it another."""

    value: _T
    n: int  # how much is kept of it, in rows
    # From when on after a time it is another by its age, asked only of what is kept; None: it stays as it is.
    until: Callable[[datetime], datetime | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class _Kept(Generic[_T]):
    value: _T
    n: int
    as_of: clock.AsOf  # what it was read after
    until: datetime | None

    def holds_at(self, at: datetime) -> bool:
        """Whether time has not made it another."""
        return self.as_of.at <= at and (self.until is None or at < self.until)


every: Final[list[KeptUntilWritten[Any]]] = []  # that this process has


class KeptUntilWritten(Generic[_T]):
    """Values of one kind, by key: those used least lately go first. What is kept is shared: nobody may change it."""

    def __init__(
        self,
        *follows_from: type[AppendOnlyModel],
        most: int,
        in_force: Mapping[type[AppendOnlyModel], str] = {},
    ) -> None:
        """Keep values that follow from the rows of these models.

        Args:
            follows_from: every model whose rows are read; each leads to its system (`SYSTEM_PATH`).
            in_force: those of them whose rows count from a time on, with the column that holds it.
            most: rows that are kept of all values; one that has more is not kept.
        """
        self.follows_from: Final = follows_from
        self._in_force: Final = in_force
        self._kept: Final[LRUCache[Hashable, _Kept[_T]]] = LRUCache(
            most, getsizeof=lambda kept: max(1, kept.n)
        )
        self._lock: Final = Lock()
        every.append(self)

    def forget(self) -> None:
        """Keep nothing: for a process whose database is taken away or emptied under it."""
        with self._lock:
            self._kept.clear()

    def get(self, key: Hashable, systems: Collection[int], find: Callable[[], Found[_T]]) -> _T:
        """Return what `find` does, or did when none of these rows was another: one query where it is kept.

        Inside a transaction it is always found anew: what that has written itself has no end yet.

        Args:
            key: what is asked for; all that `find` depends on, beside rows and time.
            systems: whose rows it follows from.
        """
        if connection.in_atomic_block:
            return find().value
        with self._lock:
            kept = self._kept.get(key)
        if kept and kept.holds_at(clock.now()) and not self._have_more(systems, kept.as_of):
            return kept.value
        as_of = clock.read_present()
        found = find()
        if found.n > self._kept.maxsize:
            return found.value
        kept = _Kept(found.value, found.n, as_of, found.until(as_of.at))
        with self._lock:
            self._kept[key] = kept
        return found.value

    def _have_more(self, systems: Collection[int], since: clock.AsOf) -> bool:
        now = clock.now()
        came = [_rows_since(model, since.did_not_know(), systems) for model in self.follows_from]
        took_effect = [
            _rows_since(model, Q(**{f"{column}__gt": since.at, f"{column}__lte": now}), systems)
            for model, column in self._in_force.items()
        ]
        first, *others = [*came, *took_effect]
        return bool(first.union(*others, all=True)[:1])


def _rows_since(
    model: type[AppendOnlyModel], since: Q, systems: Collection[int]
) -> QuerySet[AppendOnlyModel, int]:
    """Return a number for each row of these systems that meets a condition."""
    of_these = model.objects.filter(since, **{f"{model.SYSTEM_PATH}__in": systems})
    return of_these.order_by().values_list(Value(1))
