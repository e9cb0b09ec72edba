"""How many rows a query is expected to find, without counting them."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet


def planned_rows(queryset: QuerySet[Any]) -> int:
    """Return how many rows the planner expects. Plans the query and does not run it.

    Django does not send a query whose conditions it can tell to be contradictory, as those of a person without any
    system are; there is no plan of it, and no row.
    """
    try:
        queryset.query.get_compiler(queryset.db).as_sql()
    except EmptyResultSet:
        return 0
    return int(json.loads(queryset.explain(format="json"))[0]["Plan"]["Plan Rows"])
