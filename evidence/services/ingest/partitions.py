"""Monthly partitions of the span table, made ahead of time.

The runtime role may not create tables. It may call one function, owned by the owner of the schema, that makes
the partition of one month and nothing else (`evidence.partition_rules`). Spans that lay in the default partition
because their month had none move into it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.conf import settings
from django.db import OperationalError, connection, transaction

from evidence import clock
from evidence.database_errors import gave_way

logger = logging.getLogger(__name__)

_STRAY_AT_ONCE: Final = 24  # months a call makes for spans that stray; a sender can date them in any


@dataclass(frozen=True, slots=True)
class PartitionReport:
    """What happened to the partitions of the months asked for."""

    made: list[date]  # first day of each month whose partition is new
    moved: list[date]  # those of them whose spans lay in the default partition until now
    blocked: list[date]  # months that could not be made while others read the table; the next run tries again


def ensure_partitions(*, today: date | None = None, months_ahead: int | None = None) -> PartitionReport:
    """Make the partitions of last month, this month and the months ahead, and of months before whose spans stray.

    Args:
        today: any day of the current month, UTC; the clock's where it is left out.
        months_ahead: how many months after this one; the setting's where it is left out.
    """
    day = today or clock.now().date()
    ahead = settings.PARTITIONS_AHEAD if months_ahead is None else months_ahead
    around = [_shift(day, step) for step in range(-1, ahead + 1)]
    outcomes = {month: _make_partition(month) for month in sorted({*around, *_stray_months(around[0])})}

    def those(*wanted: str) -> list[date]:
        return [month for month, outcome in outcomes.items() if outcome in wanted]

    return PartitionReport(made=those("made", "moved"), moved=those("moved"), blocked=those("blocked"))


def _stray_months(until: date) -> list[date]:
    """Return the oldest months before a day whose spans lie in the default partition, not too many at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT month FROM tracebinder_stray_months(%s) AS month LIMIT %s", [until, _STRAY_AT_ONCE]
        )
        return [month for (month,) in cursor.fetchall()]


def _make_partition(month: date) -> str:
    """Return `made`, `moved`, `present`, or `blocked` where others hold the table for too long.

    Raises:
        OperationalError: the database is away.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT tracebinder_make_span_partition(%s)", [month])
            (outcome,) = cursor.fetchone() or ("",)
    except OperationalError as exc:
        if not gave_way(exc):
            raise  # the database is away: nobody reads the table
        logger.warning("%s: %s", month, exc)
        return "blocked"
    return str(outcome)


def _shift(day: date, months: int) -> date:
    """Return the first day of the month so many months away."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)
