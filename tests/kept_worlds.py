"""Worlds that are made once a session and laid down again for each test.

To make one asks the database some 250 questions, which was a third of the suite's time. What making it stored, rows and
blobs, is therefore kept, and a test that asks for the same world is given those rows again in one statement, with the
same keys. They are written through the same triggers, in the test's own transaction.
"""

from __future__ import annotations

import copy
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.test import override_settings
from psycopg import sql

if TYPE_CHECKING:
    from tests.factories import World

Rows = Mapping[str, list[Mapping[str, Any]]]  # by table

KEPT: Final = ("credit-assistant", "aml-copilot")
"""The systems of the worlds that are kept, each laid down only on top of the ones before it."""

_MEMBERS: Final = User.groups.through._meta.db_table


@dataclass(frozen=True, slots=True)
class KeptRows:
    """Rows that were stored once, to be stored again with the same keys."""

    rows: Rows
    groups: Mapping[int, str]  # names by key, as they were
    statements: dict[frozenset[tuple[str, int]], str] = field(
        default_factory=dict
    )  # by the groups of the time

    def store(self) -> None:
        """Insert them, in one statement for the database."""
        now = dict(Group.objects.values_list("name", "pk"))
        with transaction.atomic(), connection.cursor() as cursor:
            statement = self.statements.get(frozenset(now.items()))
            if statement is None:
                found = _insertion(_in_groups_of_now(self.rows, self.groups, now)).as_string(
                    cursor.connection
                )
                statement = self.statements[frozenset(now.items())] = found
            cursor.execute(statement)


@dataclass(frozen=True, slots=True)
class _Kept:
    world: World
    rows: KeptRows
    blobs: Path


_kept: dict[str, _Kept] = {}


def keep_worlds(make: Callable[[str], World]) -> None:
    """Make the worlds in a transaction that is rolled back, and keep what they stored.

    Args:
        make: makes the world of a system's key, in an empty database.
    """
    folder = Path(tempfile.mkdtemp(prefix="kept-worlds-"))
    with transaction.atomic():
        before = all_rows()
        for key in KEPT:
            blobs = folder / key
            with override_settings(BLOB_ROOT=blobs):
                world = make(key)
            after = all_rows()
            _kept[key] = _Kept(world, added(before, after), blobs)
            before = after
        transaction.set_rollback(True)


def forget_worlds() -> None:
    """Remove what was kept, with its files."""
    for kept in _kept.values():
        shutil.rmtree(kept.blobs, ignore_errors=True)
    _kept.clear()


def lay_down(key: str) -> World | None:
    """Store the kept world of this system again and return it; None where it is not kept or does not fit here."""
    kept = _kept.get(key)
    if kept is None or not _fits(key):
        return None
    kept.rows.store()
    if kept.blobs.exists():
        shutil.copytree(kept.blobs, settings.BLOB_ROOT, dirs_exist_ok=True)
    return copy.deepcopy(kept.world)


def stands_alone(world: World) -> bool:
    """Whether a world was laid down here and nothing has happened since: nothing is stored without an event."""
    first = _kept.get(KEPT[0])
    if first is None or world.system.pk != first.world.system.pk:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM evidence_auditevent")
        (newest,) = cursor.fetchone()
    return bool(newest == max(row["id"] for row in first.rows.rows["evidence_auditevent"]))


def _fits(key: str) -> bool:
    """Return whether the worlds that this one was made on top of are laid down here."""
    needed = {_kept[one].world.system.pk for one in KEPT[: KEPT.index(key)]}
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM evidence_system WHERE id = ANY(%s)", [sorted(needed)])
        return {pk for (pk,) in cursor.fetchall()} == needed


def _in_groups_of_now(rows: Rows, groups: Mapping[int, str], now: Mapping[str, int]) -> Rows:
    """Return the rows with their people in the groups of the same names: a flush makes the groups anew."""
    if _MEMBERS not in rows:
        return rows
    members: list[Mapping[str, Any]] = [
        {**row, "group_id": now[groups[row["group_id"]]]} for row in rows[_MEMBERS]
    ]
    return {**rows, _MEMBERS: members}


def all_rows() -> Rows:
    """Return what each table holds, read as the owner: the role that tests run as may not read everything."""
    with _as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, array_agg(a.attname::text) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attname <> 'xact_id'"
            " GROUP BY c.relname"
        )
        columns = dict(cursor.fetchall())
        return {table: _rows_of(cursor, table, columns[table]) for table in sorted(columns)}


def _rows_of(cursor: Any, table: str, columns: list[str]) -> list[Mapping[str, Any]]:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL("SELECT row_to_json(kept)::text FROM (SELECT {} FROM {}) AS kept")
    cursor.execute(query.format(names, sql.Identifier(table)))
    return [json.loads(row) for (row,) in cursor.fetchall()]


def added(before: Rows, after: Rows) -> KeptRows:
    """Return what was stored between two looks at all rows.

    Raises:
        ValueError: a row of before was changed or removed, which would not be done again.
    """
    for table, rows in before.items():
        if lost := [row for row in rows if row not in after[table]]:
            raise ValueError(f"{table}: what is kept changes {lost[0]}: leave that to each test")
    new = {table: [row for row in rows if row not in before[table]] for table, rows in after.items()}
    groups = dict(Group.objects.values_list("pk", "name"))
    return KeptRows({table: rows for table, rows in new.items() if rows}, groups)


def _insertion(rows: Rows) -> sql.Composed:
    """Return statements that insert these rows; the transaction they belong to is the one that executes them."""
    return sql.SQL("; ").join(
        sql.SQL(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, {rows})"
        ).format(
            table=sql.Identifier(table),
            columns=sql.SQL(", ").join(map(sql.Identifier, of_table[0])),
            rows=sql.Literal(json.dumps(of_table)),
        )
        for table, of_table in rows.items()
    )


@contextmanager
def _as_owner() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        try:
            yield
        finally:
            cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(settings.RUNTIME_ROLE)))
