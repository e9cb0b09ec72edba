"""An index on each bound table by which the rows of a transaction are found, whatever table they are in.

What checks some transactions and not all of them reads their rows alone: an export its scope, an incremental check what
is new, a process of a parallel one its share. It is a rule and in no migration, so that the table of a new noun has
one unasked. What it costs to write: docs/decisions/0035-what-a-check-reads.md.
"""

from __future__ import annotations

from typing import Any, Final

from django.apps import AppConfig
from django.db import connections
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from evidence.live_operations import build_index, build_index_of_partitions
from evidence.row_schemas import bound_models

_SUFFIX: Final = "xact"
_ON: Final = "(xact_id)"
# Tables that are there with their transactions and without a whole index of this name.
_WITHOUT: Final = """
SELECT relname, relkind = 'p' FROM unnest(%s::text[]) AS wanted(name)
JOIN pg_class ON oid = to_regclass(name)
JOIN pg_attribute ON attrelid = oid AND attname = 'xact_id' AND NOT attisdropped
WHERE NOT coalesce((SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(name || %s)), false) ORDER BY 1
"""


def index_transactions(sender: AppConfig, using: str, **_: Any) -> None:
    """After a migration of the last app, build the indexes that are missing while others go on writing."""
    if sender.label != "interpret":
        return
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(_WITHOUT, [[model._meta.db_table for model in bound_models()], f"_{_SUFFIX}"])
        missing = cursor.fetchall()
    if not missing:
        return
    with connection.schema_editor(atomic=False) as editor:
        for table, is_partitioned in missing:
            _build(editor, table, is_partitioned=is_partitioned)


def _build(editor: BaseDatabaseSchemaEditor, table: str, *, is_partitioned: bool) -> None:
    index = f"{table}_{_SUFFIX}"
    if is_partitioned:
        build_index_of_partitions(editor, table=table, index=index, suffix=_SUFFIX, create="INDEX", on=_ON)
        return
    build_index(editor, index, f"CREATE INDEX CONCURRENTLY {index} ON {table} {_ON}")
