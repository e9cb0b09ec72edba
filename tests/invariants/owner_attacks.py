"""What whoever owns the database does to rows behind the log's back: with the triggers off, and undone afterwards."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from typing import Any, Final, TypeAlias

from django.conf import settings
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Model

Attack: TypeAlias = Callable[[type[Model], str], Iterator[str]]
"""Gives statements that do the same to a row of a table, named by an SQL condition: the first that is taken counts."""


@contextmanager
def as_owner() -> Iterator[Any]:
    """Act as whoever owns the tables; what is done is undone."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            yield cursor
            transaction.set_rollback(True)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')


def newest(model: type[Model]) -> str:
    """Return the SQL condition of the row that was written last."""
    table = model._meta.db_table
    return f"(tableoid, ctid) = (SELECT tableoid, ctid FROM {table} ORDER BY xact_id DESC, ctid LIMIT 1)"


def change_a_column(model: type[Model], row: str) -> Iterator[str]:
    """Yield the statement that changes a column of a row: another one each time, where the table takes it."""
    statements = list(change_each_column(model, row))
    random.shuffle(statements)
    yield from statements


def change_each_column(model: type[Model], row: str) -> Iterator[str]:
    """Yield statements that change one column each of a row."""
    table = model._meta.db_table
    for field in model._meta.concrete_fields:
        column, kind = f'"{field.column}"', field.db_type(connection) or ""
        other = {
            "boolean": f"NOT coalesce({column}, false)",
            "uuid": "gen_random_uuid()",
            "jsonb": "'{\"another\": 1}'",
            "bytea": "'\\x00ff'",
            "double precision": f"coalesce({column}, 0) + 0.25",
            "timestamp with time zone": f"coalesce({column}, now()) - interval '1 microsecond'",
        }.get(kind)
        if other is None and "int" in kind and "[" not in kind:
            other = f"coalesce({column}, 0) + 1"
        if other is None and "[" in kind:
            other = f"array_append({column}, NULL)"
        if other is None:
            first = f"coalesce(chr(ascii(nullif({column}, '')) % 64 + 48), 'x')"  # never the one it was
            other = f"{first} || coalesce(substr({column}, 2), '')"
        yield f"UPDATE {table} SET {column} = {other} WHERE {row}"


def delete_a_row(model: type[Model], row: str) -> Iterator[str]:
    """Yield the statement that deletes a row."""
    table = model._meta.db_table
    yield f"DELETE FROM {table} WHERE {row}"


def copy_a_row(model: type[Model], row: str, *, into: str = "xact_id") -> str:
    """Return the statement that inserts a row like one there is: as new as unique columns ask for.

    Args:
        into: the SQL for the transaction that it says it is of; of an older one, by default.
    """
    table, columns = model._meta.db_table, {field.column: field for field in model._meta.concrete_fields}
    keys = unique_columns(model)
    values = [
        into if name == "xact_id" else another(field) if name in keys else f'"{name}"'
        for name, field in columns.items()
    ]
    names = ", ".join(f'"{name}"' for name in columns)
    return f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM {table} WHERE {row}"


def unique_columns(model: type[Model]) -> set[str]:
    """Return a column of each unique index of a table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (array_agg(attname::text ORDER BY atttypid = 'bigint'::regtype DESC))[1] FROM pg_index"
            " JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey)"
            " WHERE indrelid = %s::regclass AND indisunique GROUP BY indexrelid",
            [model._meta.db_table],
        )
        return {name for (name,) in cursor.fetchall()}


def another(field: Any) -> str:
    """Return the SQL for a value that a column does not hold yet."""
    kind = field.db_type(connection) or ""
    if "int" in kind:
        return f'"{field.column}" + 32000' if "small" in kind else f'"{field.column}" + 1000000'
    if kind == "uuid":
        return "gen_random_uuid()"
    if "timestamp" in kind:
        return f"\"{field.column}\" + interval '1 day'"
    return "left(md5(random()::text), 12)"


def put_an_older_row_in(model: type[Model], row: str) -> Iterator[str]:
    """Yield the statement that inserts a row that says it is of an earlier transaction."""
    yield copy_a_row(model, row)


def swap_keys(model: type[Model], row: str) -> Iterator[str]:
    """Yield the statement that gives a row a key further on, as if it had come later."""
    key = model._meta.pk
    yield (f'UPDATE {model._meta.db_table} SET "{key.column}" = {another(key)} WHERE {row}')


def date_a_row_back(model: type[Model], row: str) -> Iterator[str]:
    """Yield the statement that says of a row that it was written by an earlier transaction."""
    yield f"UPDATE {model._meta.db_table} SET xact_id = xact_id - 1 WHERE {row}"


EVERY_ATTACK: Final[tuple[Attack, ...]] = (
    change_a_column,
    delete_a_row,
    put_an_older_row_in,
    swap_keys,
    date_a_row_back,
)


def in_rounds(rows: Mapping[type[Model], str]) -> Iterator[list[tuple[type[Model], int]]]:
    """Yield tables, each with the transaction of its row, such that no two of a round share one."""
    left = [(model, transaction_of(model, row)) for model, row in rows.items()]
    while left:
        now = {number: (model, number) for model, number in reversed(left)}
        yield list(now.values())
        left = [one for one in left if one not in now.values()]


def transaction_of(model: type[Model], row: str) -> int:
    """Return the transaction that a row says it is of."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT xact_id FROM {model._meta.db_table} WHERE {row}")
        return int(cursor.fetchone()[0])


def find_missed(rows: Mapping[type[Model], str], find_faults: Callable[[], Iterable[str]]) -> list[str]:
    """Return each attack on each of these rows that a check does not name by its transaction. What it named before,
    and names without any attack, counts for none.
    """
    before, missed = set(find_faults()), []
    for attack, models in product(EVERY_ATTACK, in_rounds(rows)):
        with as_owner() as cursor:
            done = [one for one in models if carry_out(cursor, attack(one[0], rows[one[0]]), one[0])]
            found = " ".join(set(find_faults()) - before)
        missed += [
            f"{attack.__name__}: {model._meta.label}"
            for model, number in done
            if not re.search(rf"transaction {number}\b", found)
        ]
    return missed


def carry_out(cursor: Any, statements: Iterator[str], model: type[Model]) -> bool:
    """Carry out the first of some statements that the table takes, with its triggers off; whether there was one."""
    for statement in statements:
        try:
            with transaction.atomic():
                cursor.execute(f"ALTER TABLE {model._meta.db_table} DISABLE TRIGGER USER")
                cursor.execute(statement)
                return True
        except (IntegrityError, DataError):  # a constraint or a type refuses it: the next
            continue
    return False
