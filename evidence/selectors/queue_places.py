"""Where an answer stands among those that a reviewer takes: the queue is read no further than it is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.db.models import QuerySet

from evidence.models import QueuedTask, Trace
from evidence.selectors.counting import MOST_COUNTED
from evidence.selectors.review_tasks import QUEUE_ORDER


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Where an answer stands; counts are as `count_some` counts."""

    number: int  # from 1; 0: not among them, or behind the last that is counted
    n_all: int
    before: int | None  # the key of the answer before it

    @property
    def n_left(self) -> int:
        """How many there are besides it."""
        return self.n_all - 1 if 0 < self.n_all <= MOST_COUNTED and self.number else self.n_all


def place_in_queue(rows: QuerySet[QueuedTask], trace: Trace) -> QueuePlace:
    """Return where an answer stands among rows of the queue, in the order in which they are taken.

    The index of the queue has them in this order, so that of any number as many are read as are counted.
    """
    ordered = rows.order_by(*QUEUE_ORDER).values_list("task__trace", flat=True)
    keys = cast("list[int]", list(ordered[: MOST_COUNTED + 1]))
    if trace.pk not in keys[:MOST_COUNTED]:
        return QueuePlace(0, len(keys), None)
    at = keys.index(trace.pk)
    return QueuePlace(at + 1, len(keys), keys[at - 1] if at else None)
