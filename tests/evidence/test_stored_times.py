"""Times come out of the database as they went in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import DataError, connection

pytestmark = pytest.mark.django_db

TOLD = {
    "2026-11-27 22:05:09.120304+00": datetime(2026, 11, 27, 22, 5, 9, 120304, UTC),
    "2026-11-27 22:05:09.1+00": datetime(2026, 11, 27, 22, 5, 9, 100_000, UTC),
    "2026-11-27 22:05:09+08": datetime(2026, 11, 27, 14, 5, 9, 0, UTC),
    "0001-01-01 00:00:00+00": datetime(1, 1, 1, tzinfo=UTC),
    "9999-12-31 23:59:59.999999+00": datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC),
}

# Elsewhere the first and the last of them are in a year that no calendar of Python's has.
SESSIONS = [
    *((told, "UTC") for told in TOLD),
    *(
        (told, zone)
        for told in TOLD
        if told.startswith("2026")
        for zone in ("Asia/Shanghai", "America/St_Johns")
    ),
]


def read(told: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [told])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(("told", "zone"), SESSIONS)
def test_a_time_is_read_to_the_microsecond_in_utc(told: str, zone: str) -> None:
    """Also where a session writes them in the time of somewhere else."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL TIME ZONE '{zone}'")
    moment = read(told)
    assert moment == TOLD[told]
    assert isinstance(moment, datetime)
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "told", ["infinity", "-infinity", "0044-03-15 00:00:00+00 BC", "10000-01-01 00:00:00+00"]
)
def test_a_time_that_no_calendar_has_is_refused_and_no_other_time(told: str) -> None:
    with pytest.raises(DataError, match="timestamp"):
        read(told)
