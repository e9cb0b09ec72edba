"""Reading that must not take long: the database ends a statement that does, and whoever asked is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from django.db import OperationalError, connection, transaction

from evidence.database_errors import TOOK_TOO_LONG, state_of

# Of the limit that is around what runs now: milliseconds.
_AROUND: Final[ContextVar[int | None]] = ContextVar("statement limit", default=None)


class TookTooLong(Exception):
    """A statement took longer than it was given."""


@contextmanager
def statements_limited(seconds: float) -> Iterator[None]:
    """Let no statement inside take longer than so many seconds, or than a limit around it says.

    Raises:
        TookTooLong: one did, and the database ended it.
    """
    around, mine = _AROUND.get(), max(1, round(seconds * 1000))
    is_own_transaction = not connection.in_atomic_block  # whose end takes the limit back
    try:
        with transaction.atomic():
            if around is None or mine < around:
                with _set_limit(mine, takes_back=not is_own_transaction):
                    yield
            else:
                yield
    except OperationalError as exc:
        if state_of(exc) == TOOK_TOO_LONG:
            raise TookTooLong from exc
        raise


@contextmanager
def _set_limit(milliseconds: int, *, takes_back: bool) -> Iterator[None]:
    """Set the limit to the end of the block; where that fails, the savepoint or the transaction takes it back.

    Args:
        takes_back: whether the transaction goes on after the block.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s, true)",
            [str(milliseconds)],
        )
        before, _ = cursor.fetchone()
    token = _AROUND.set(milliseconds)
    try:
        yield
    finally:
        _AROUND.reset(token)
    if takes_back:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
