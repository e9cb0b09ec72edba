"""Reading that must not take long: the database ends a statement that does, and whoever asked is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

from evidence.database_errors import TOOK_TOO_LONG, state_of


class TookTooLong(Exception):
    """A statement took longer than it was given."""


@contextmanager
def statements_limited(seconds: float) -> Iterator[None]:
    """Let no statement inside take longer than so many seconds.

    Raises:
        TookTooLong: one did, and the database ended it.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true)", [f"{max(1, round(seconds * 1000))}"]
            )
            yield
    except OperationalError as exc:
        if state_of(exc) == TOOK_TOO_LONG:
            raise TookTooLong from exc
        raise
