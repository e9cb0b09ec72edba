"""Filling a store of a million traces in minutes: no trigger runs, and indexes are made once the rows are there.

What the log would bind is not bound, and nothing is checked against the constraints between tables: for what reads
rows, and for nothing that measures how they are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psycopg
from psycopg import sql

from config import embedded
from config.embedded.plan import DATABASE

# Of ordinary tables: whole and valid, and no constraint's. Those of a partitioned table stay.
_INDEXES: Final = """
SELECT index.indexrelid::regclass::text, pg_get_indexdef(index.indexrelid)
FROM pg_index AS index JOIN pg_class AS class ON class.oid = index.indrelid
WHERE class.relname = ANY(%s) AND class.relkind = 'r' AND NOT class.relispartition AND NOT index.indisunique
    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = index.indexrelid)"""


@contextmanager
def filling_quickly(folder: Path, tables: list[str]) -> Iterator[psycopg.Connection[Any]]:
    """Yield a connection on which nothing runs but the statement itself; the tables' indexes are back afterwards."""
    plan = embedded.read_plan(folder)
    url = f"postgresql://postgres:{quote(plan.postgres_password)}@127.0.0.1:{plan.postgres_port}/{DATABASE}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '512MB'")
        indexes = connection.execute(_INDEXES, [tables]).fetchall()
        for name, _ in indexes:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        yield connection
        for _, definition in indexes:
            connection.execute(definition)
        for table in tables:
            connection.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(table)))
