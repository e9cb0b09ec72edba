"""A limit on how long the database may take for what somebody asks for by a search."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

from evidence.database_errors import TOOK_TOO_LONG, state_of
from evidence.errors import SearchTooWide


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Let no statement within take longer.

    Raises:
        SearchTooWide: one did, and the database ended it.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{seconds * 1000:.0f}"])
            yield
    except OperationalError as exc:
        if state_of(exc) == TOOK_TOO_LONG:
            raise SearchTooWide from exc
        raise
