"""What the tables must look like: as the migrations have them, in the words of the PostgreSQL that is asked.

Nothing is written down a second time. The models as all migrations leave them are made as temporary tables, in a
transaction that is rolled back; PostgreSQL's catalogue then says of them what it must say of the tables there are.
That holds for a table in use and for an upgraded one, whatever version of PostgreSQL writes an expression how.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from django.db import Error, connections, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from evidence.live_operations import keep_default_of
from evidence.models import IngestBatch, Span
from evidence.search_path import looking_in
from evidence.structure_catalogue import Part, read_structure

# What migrations say in SQL alone: no model can.
_IN_SQL: Final = (
    # A partitioned table has no key without the column it is partitioned by.
    f"ALTER TABLE {Span._meta.db_table} DROP CONSTRAINT {Span._meta.db_table}_pkey",
    # Servers of before write requests without it: of a system that nobody is of.
    f"ALTER TABLE {IngestBatch._meta.db_table} ALTER COLUMN system_ids SET DEFAULT '{{0}}'",
)


# They are called for what is made here. Those of an extension only watch.
_CALLED_FIRST: Final = """
SELECT evtname FROM pg_event_trigger AS one WHERE evtenabled <> 'D' AND NOT EXISTS (
    SELECT FROM pg_depend WHERE classid = 'pg_event_trigger'::regclass AND objid = one.oid AND deptype = 'e')
"""


class NotCompared(Exception):
    """What the tables look like could not be compared with what they should look like; it says why."""


def compare_structure(using: str) -> tuple[int, list[str]]:
    """Return how many parts tables should have, and a sentence for each that is not as the migrations have it.

    Raises:
        NotCompared: an event trigger would be called, or whoever asks may make no temporary tables in this database.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(_CALLED_FIRST)
        if named := [name for (name,) in cursor.fetchall()]:
            raise NotCompared(f"event trigger {named[0]} would be called")
        try:
            wanted = _make_structure(using, cursor.connection.info.server_version)
        except Error as exc:
            raise NotCompared(str(exc).strip()) from exc
        cursor.execute("SELECT 'public'::regnamespace::oid")
        (schema,) = cursor.fetchone() or (0,)
        return len(wanted), list(_compare(wanted, read_structure(cursor, schema)))


def _compare(wanted: Mapping[Part, str], found: Mapping[Part, set[str]]) -> Iterator[str]:
    lost = {part.table for part in wanted} - {part.table for part in found}
    yield from (f"table {table} is not there" for table in sorted(lost))
    for part in sorted(found.keys() | wanted.keys()):
        stands, should = found.get(part, set()), wanted.get(part)
        if stands == {should} or part.table in lost:
            continue
        if not stands:
            yield f"{part} is not there: {should}"
        elif should is None:
            yield f"{part} is made by no migration: {', '.join(sorted(stands))}"
        else:
            yield f"{part} is {', '.join(sorted(stands - {should}))}, and should be {should}"


@cache
def _make_structure(using: str, version: int) -> dict[Part, str]:
    del version  # it tells what is kept apart
    connection = connections[using]
    statements = [*_statements_of_migrations(connection), *_IN_SQL]
    with looking_in(using, "pg_temp, public") as cursor, transaction.atomic(using=using):
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SELECT pg_my_temp_schema()")
        (schema,) = cursor.fetchone() or (0,)
        found = read_structure(cursor, schema)
        transaction.set_rollback(True, using=using)
    return {part: reads for part, (reads,) in found.items()}


def _statements_of_migrations(connection: Any) -> list[str]:
    """Return the statements that make each table as all migrations leave it, in one go and without any row."""
    loader = MigrationLoader(connection)
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        for model in loader.project_state().apps.get_models():
            if not model._meta.can_migrate(connection):
                continue
            editor.create_model(model)
            for (app_label, _), migration in loader.disk_migrations.items():
                if app_label == model._meta.app_label:
                    for operation in migration.operations:
                        keep_default_of(operation, editor, model)
        editor.create_model(MigrationRecorder.Migration)
    return list(editor.collected_sql)
