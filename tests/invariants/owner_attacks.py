"""What whoever owns the database does to rows behind the log's back: with the triggers off, and undone afterwards."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from django.conf import settings
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Model, QuerySet

Attack: TypeAlias = Callable[[type[Model], str], Iterator[str]]
"""Gives statements that do the same to a row of a table, named by an SQL condition: the first that is taken counts."""

Item = TypeVar("Item")
_ROWS: Final = 60  # of a table, among which one is chosen


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


class Row(NamedTuple):
    """A row that is attacked."""

    number: int  # of the transaction that wrote it
    where: str  # the SQL condition that names it


def rows_in(rows: QuerySet[Any]) -> list[Row]:
    """Return rows of a table, the newest first: one of each transaction, of the last so many."""
    column = rows.model._meta.pk.column
    found = dict(rows.order_by("xact_id", "pk").reverse().values_list("xact_id", "pk")[:_ROWS])
    return [Row(number, f"\"{column}\" = '{key}'") for number, key in found.items()]


def share_out(
    items: Iterable[Item], rows_for: Callable[[Item], Sequence[Row]]
) -> list[list[tuple[Item, Row]]]:
    """Give each item a row, in as few rounds as may be such that what is said of one row is of no other of its round:
    no two are of the same transaction, nor of two one after the other.
    """
    rounds: list[list[tuple[Item, Row]]] = []
    taken: list[set[int]] = []
    for item in sorted(items, key=lambda one: len(rows_for(one))):  # those with the least choice first
        rows = rows_for(item)
        if not rows:
            continue
        for place in itertools.count():
            if place == len(rounds):
                rounds.append([])
                taken.append(set())
            row = next((one for one in rows if one.number not in taken[place]), None)
            if row is not None:
                rounds[place].append((item, row))
                taken[place] |= {row.number - 1, row.number, row.number + 1}
                break
    return rounds


def find_missed(
    rows: Mapping[type[Model], Sequence[Row]], find_faults: Callable[[Collection[int]], Iterable[str]]
) -> list[str]:
    """Return each attack on each of these tables that a check does not name by its transaction. What it named before,
    and names without any attack, counts for none.

    Args:
        find_faults: what is wrong now, where rows of these transactions were attacked; none before the first.
    """
    before, missed = set(find_faults(())), []
    for attacked in share_out(itertools.product(EVERY_ATTACK, rows), lambda item: rows[item[1]]):
        with as_owner() as cursor:
            switch_triggers_off(cursor, {model for (_, model), _ in attacked})
            done = [
                (attack, model, row.number)
                for (attack, model), row in attacked
                if try_each(cursor, attack(model, row.where))
            ]
            found = " ".join(set(find_faults({number for *_, number in done})) - before)
        missed += [
            f"{attack.__name__}: {model._meta.label}"
            for attack, model, number in done
            if not re.search(rf"transaction {number}\b", found)
        ]
    return missed


def carry_out(cursor: Any, statements: Iterator[str], model: type[Model]) -> bool:
    """Carry out the first of some statements that the table takes, with its triggers off; whether there was one."""
    switch_triggers_off(cursor, [model])
    return try_each(cursor, statements)


def switch_triggers_off(cursor: Any, models: Iterable[type[Model]]) -> None:
    """Switch off the triggers of tables, before anything is done to one: what waits for the end forbids it."""
    for model in models:
        cursor.execute(f"ALTER TABLE {model._meta.db_table} DISABLE TRIGGER USER")


def try_each(cursor: Any, statements: Iterator[str]) -> bool:
    """Carry out the first of some statements that the database takes; whether there was one."""
    for statement in statements:
        try:
            with transaction.atomic():
                cursor.execute(statement)
                return True
        except (IntegrityError, DataError):  # a constraint or a type refuses it: the next
            continue
    return False
