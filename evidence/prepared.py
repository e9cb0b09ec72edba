"""Statements that every request repeats: PostgreSQL parses and plans each of them once a connection.

Django writes the values into the text of a statement, so that PostgreSQL takes each one for another. Planning a short
one costs it more than carrying it out (docs/decisions/0050-statements-planned-once.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.utils import CursorWrapper


class _PreparingCursor(psycopg.Cursor[Any]):
    """Has the server keep the plan of what it executes, under the statement's text.

    Only meanwhile does the connection keep count of statements: it would keep the text of each that Django wrote.
    """

    def execute(self, query: Any, params: Any = None, **how: Any) -> _PreparingCursor:
        """Execute a statement whose values stand beside it."""
        self.connection.prepare_threshold = 0
        try:
            super().execute(query, params, prepare=True, **how)
        except psycopg.errors.FeatureNotSupported:  # a table of the plan has other columns since
            self._forget_plans()
            raise
        finally:
            self.connection.prepare_threshold = None
        return self

    def _forget_plans(self) -> None:
        """Have all planned anew, which the end of a transaction that failed does by itself."""
        if self.connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE:
            super().execute("DEALLOCATE ALL", prepare=False)


def prepared_cursor(using: str = DEFAULT_DB_ALIAS) -> CursorWrapper:
    """Return a cursor as `connection.cursor()` does, for statements whose text is always the same.

    Where Django logs statements, they are logged with their values, so it is one of Django's.
    """
    connection = connections[using]
    if connection.queries_logged or not settings.DATABASE_PREPARES:
        return connection.cursor()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor: Any = _PreparingCursor(connection.connection)  # the stubs want one of Django's
    return connection.make_cursor(cursor)


def insert_prepared(
    row: models.Model,
    fields: Sequence[models.Field[Any, Any]],
    *,
    using: str,
    returning: Sequence[models.Field[Any, Any]] = (),
    unless_there: bool = False,
) -> list[tuple[Any, ...]]:
    """Insert a row as Django does, and return what the database filled in.

    Args:
        fields: those to which the row gives a value, which is no expression.
        returning: fields whose values Django takes as they come.
        unless_there: a row of the same key stands, and nothing is returned.
    """
    connection = connections[using]
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    statement = _insert_sql(
        row._meta.db_table, _columns_of(fields), _columns_of(returning), unless_there=unless_there
    )
    with prepared_cursor(using) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if returning else []


def _columns_of(fields: Sequence[models.Field[Any, Any]]) -> tuple[str, ...]:
    return tuple([f'"{field.column}"' for field in fields])


@lru_cache(maxsize=256)
def _insert_sql(
    table: str, columns: tuple[str, ...], returning: tuple[str, ...], *, unless_there: bool
) -> str:
    places = ", ".join(["%s"] * len(columns))
    return (
        f'INSERT INTO "{table}" ({", ".join(columns)}) VALUES ({places})'  # noqa: S608  # our own names
        + (" ON CONFLICT DO NOTHING" if unless_there else "")
        + (f" RETURNING {', '.join(returning)}" if returning else "")
    )
