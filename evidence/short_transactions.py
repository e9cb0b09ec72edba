"""Changing tables that others write to, without making them wait.

A change of a table waits for whoever uses it, and whoever comes meanwhile waits behind the change. So each change is a
transaction of its own that gives up its place in the queue after a moment and comes again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from django.db import Error, connections, transaction

from evidence.database_errors import gave_way, state_of

# Milliseconds others may wait behind us; below PostgreSQL's deadlock_timeout, so that it is we who give way.
LOCK_TIMEOUT: Final = 300
PATIENCE: Final = 120  # seconds
_PAUSE: Final = 0.2  # seconds between two tries
_CHANGED_BY_ANOTHER: Final = "XX000"  # "tuple concurrently updated": two changes of one catalogue row at once


class TableBusy(Exception):
    """A table was in use for as long as we were willing to wait."""

    def __init__(self, subject: str) -> None:
        super().__init__(
            f"{subject} was in use for {PATIENCE} seconds. End what holds it (pg_stat_activity, state 'idle in "
            "transaction' first), then run this again: what was done so far stays done."
        )


def change_beside_writers(using: str, subject: str, change: Callable[[], None]) -> None:
    """Run a change in a short transaction of its own, again and again until nobody is in its way.

    Inside another transaction, which nobody could try again from here, it runs once.

    Args:
        subject: what is changed, for the error.

    Raises:
        TableBusy: somebody was in the way all the time.
    """
    if connections[using].in_atomic_block:
        change()
        return
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with transaction.atomic(using=using):
                limit_waiting(using)
                change()
        except Error as exc:
            if not (gave_way(exc) or state_of(exc) == _CHANGED_BY_ANOTHER):
                raise
            if time.monotonic() > deadline:
                raise TableBusy(subject) from exc
            time.sleep(_PAUSE)
        else:
            return


def limit_waiting(using: str) -> None:
    """Let no statement of this transaction wait longer for a lock than others may wait behind it."""
    with connections[using].cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT}")
