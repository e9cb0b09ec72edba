"""Which errors pass by themselves: the same request, or the same work, may succeed in a moment.

The one list: those that PostgreSQL gives, by SQLSTATE, and those of ours whose status says so, 503.
"""

from __future__ import annotations

from typing import Final

from django.db import Error, InterfaceError, OperationalError

from evidence.errors import EvidenceError

_TRY_AGAIN: Final = 503  # HTTP status: not now
# By SQLSTATE: a lock was not to be had in time, or a statement took too long.
GAVE_WAY: Final = frozenset({"55P03", "57014"})

# What a server meets while the database below it is being upgraded: a right, a table, a column or a function is not
# there yet or no longer, or a plan was made for other columns.
_BEING_UPGRADED: Final = frozenset({"42501", "42P01", "42703", "42883", "0A000"})


def state_of(exc: BaseException) -> str:
    """Return the SQLSTATE that PostgreSQL gave; empty where the error did not come from there."""
    return getattr(exc.__cause__, "sqlstate", None) or ""


def gave_way(exc: BaseException) -> bool:
    """Whether the database let another transaction go first: a lock, a deadlock, a conflict of snapshots."""
    state = state_of(exc)
    return isinstance(exc, Error) and (state.startswith("40") or state in GAVE_WAY)


def is_of_an_upgrade(exc: BaseException) -> bool:
    """Whether the database is not the one this version was written for, as it is for a moment in an upgrade."""
    return isinstance(exc, Error) and state_of(exc) in _BEING_UPGRADED


def passes(exc: BaseException) -> bool:
    """Whether the same may succeed later: the database is away, gave way, or is being upgraded, the blob store is away,
    the log is busy, the clock was set back.
    """
    if isinstance(exc, EvidenceError):
        return exc.http_status == _TRY_AGAIN
    return isinstance(exc, OperationalError | InterfaceError) or gave_way(exc) or is_of_an_upgrade(exc)
