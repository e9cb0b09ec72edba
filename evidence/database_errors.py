"""Which errors pass by themselves: the same request, or the same work, may succeed in a moment.

The one list: those that PostgreSQL gives, by SQLSTATE, and those of ours whose status says so, 503.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import Error, InterfaceError, OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from evidence.errors import EvidenceError
from evidence.schema_age import read_schema_age

_TRY_AGAIN: Final = 503  # HTTP status: not now
# By SQLSTATE.
TOOK_TOO_LONG: Final = "57014"  # a statement was ended, by a limit or by somebody
_LOCK_NOT_HAD: Final = "55P03"  # in time
GAVE_WAY: Final = frozenset({_LOCK_NOT_HAD, TOOK_TOO_LONG})

# What a server may meet while the database below it is being upgraded: a right, a table, a column or a function is not
# there yet or no longer, or a plan was made for other columns. A fault of ours looks the same.
_RIGHT_MISSING: Final = "42501"
_LIKE_AN_UPGRADE: Final = frozenset({_RIGHT_MISSING, "42P01", "42703", "42883", "0A000"})

# By class of SQLSTATE: more columns, bytes or depth than PostgreSQL can do. What sets it off is what was sent.
_LIMIT_EXCEEDED: Final = "54"
# Of the last migration: what failed before its end may be told of after it.
SETTLES_AFTER: Final = timedelta(minutes=5)


def state_of(exc: BaseException) -> str:
    """Return the SQLSTATE that PostgreSQL gave; empty where the error did not come from there."""
    return getattr(exc.__cause__, "sqlstate", None) or ""


def gave_way(exc: BaseException) -> bool:
    """Whether the database let another transaction go first: a lock, a deadlock, a conflict of snapshots."""
    state = state_of(exc)
    return isinstance(exc, Error) and (state.startswith("40") or state in GAVE_WAY)


def exceeds_a_limit(exc: BaseException) -> bool:
    """Whether what was to be stored or asked is more than PostgreSQL can do at all: it will be the next time, too."""
    return isinstance(exc, Error) and state_of(exc).startswith(_LIMIT_EXCEEDED)


def looks_like_an_upgrade(exc: BaseException) -> bool:
    """Whether the database is not what a statement expected: in an upgrade, or by a fault of ours."""
    return isinstance(exc, Error) and state_of(exc) in _LIKE_AN_UPGRADE


def is_of_an_upgrade(exc: BaseException) -> bool:
    """Whether the database is not the one this version was written for, as it is for a moment in an upgrade.

    Asks the database what was migrated, so call it where no transaction is spoilt.
    """
    return looks_like_an_upgrade(exc) and differs_from_this_version(rights=state_of(exc) == _RIGHT_MISSING)


def passes(exc: BaseException) -> bool:
    """Whether the same may succeed later: the database is away, gave way, or is being upgraded, the blob store is away,
    the log is busy, the clock was set back.
    """
    if isinstance(exc, EvidenceError):
        return exc.http_status == _TRY_AGAIN
    if exceeds_a_limit(exc):
        return False
    return isinstance(exc, OperationalError | InterfaceError) or gave_way(exc) or is_of_an_upgrade(exc)


def differs_from_this_version(*, rights: bool) -> bool:
    """Whether the database lacks migrations of this version, has some it does not know, or was migrated just now.

    Args:
        rights: whether rights and triggers are compared, too.
    """
    from evidence.table_rules import find_differences  # noqa: PLC0415  # it imports what imports this file

    try:
        age = read_schema_age(connection.alias)
        if age.n_missing or age.unknown:
            return True
        just_now = timezone.now() - SETTLES_AFTER
        applied = MigrationRecorder(connection).applied_migrations().values()
        return any(one.applied > just_now for one in applied) or (
            rights and bool(find_differences(connection.alias))
        )
    except (OperationalError, InterfaceError):
        return True  # it has gone away meanwhile
    except Error as exc:
        return looks_like_an_upgrade(exc)
