"""Monthly partitions of the span table, made ahead of time.

The runtime role may not create tables. It may call one function, owned by the owner of the schema, that makes
the partition of one month and nothing else (the first migration defines it).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db import connection, transaction

from evidence import clock


@dataclass(frozen=True, slots=True)
class PartitionReport:
    """What happened to the partitions of the months asked for."""

    made: list[date]  # first day of each month whose partition is new
    blocked: list[date]  # months whose spans lie in the default partition already; they stay queryable there


def ensure_partitions(*, today: date | None = None, months_ahead: int | None = None) -> PartitionReport:
    """Make the partitions of last month, this month and the months ahead, where they are missing.

    Args:
        today: any day of the current month, UTC; the clock's where it is left out.
        months_ahead: how many months after this one; the setting's where it is left out.
    """
    day = today or clock.now().date()
    ahead = settings.PARTITIONS_AHEAD if months_ahead is None else months_ahead
    made: list[date] = []
    blocked: list[date] = []
    for month in (_shift(day, step) for step in range(-1, ahead + 1)):
        match _make_partition(month):
            case "made":
                made.append(month)
            case "blocked":
                blocked.append(month)
    return PartitionReport(made, blocked)


def _make_partition(month: date) -> str:
    """Return `made`, `present` or `blocked`."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT tracebinder_make_span_partition(%s)", [month])
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def _shift(day: date, months: int) -> date:
    """Return the first day of the month so many months away."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)
