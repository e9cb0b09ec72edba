"""Pages over tables of any size, without counting them."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import QuerySet

from evidence.selectors.planned import planned_rows

MAX_ROWS: Final = 10_000  # rows a list leads to; a later OFFSET would read and drop all before it


class PlannedPaginator(Paginator[Any]):
    """Asks PostgreSQL's planner how many rows there are, and counts only where that is cheap.

    The planner's figure rests on `pg_class.reltuples` of the table or its partitions, and on the filters. Where it
    is above `most` the list ends there: whoever looks for something older narrows the list instead.
    """

    most = MAX_ROWS

    @cached_property
    def count(self) -> int:
        """Rows the pages hold, at most `most`."""
        if not isinstance(self.object_list, QuerySet):
            return len(self.object_list)
        rows = self.object_list.order_by().values(
            "pk"
        )  # what each row is shown with would be worked out to count it
        if planned_rows(rows) > self.most:
            return self.most
        return rows[: self.most].count()

    @property
    def is_capped(self) -> bool:
        """Whether there may be more rows than the pages show."""
        return self.count >= self.most
