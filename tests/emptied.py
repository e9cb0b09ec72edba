"""How the database is emptied after a test that committed: what was written is deleted, and nothing else is touched.

Django would truncate every table, and then have what `migrate` puts into some of them put there again. That gives each
of some hundred tables, and each of their indexes, a file of its own, which takes longer than most of the tests do.
"""

from __future__ import annotations

from typing import Final

import psycopg
from django.conf import settings
from django.db import connection

from config import embedded
from evidence.table_rules import apply_table_rules

_DELETE: Final = """
DO $$
DECLARE
    one regclass;
BEGIN
    FOR one IN SELECT oid FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND oid::regclass::text <> ALL('{%s}')
    LOOP
        EXECUTE format('DELETE FROM %%s', one);
    END LOOP;
END $$
"""


class Emptier:
    """Empties the database of the tests down to what was in it when this was made. Acts as the owner of the tables."""

    def __init__(self) -> None:
        found = {table: _digest_of(table) for table in connection.introspection.table_names()}
        self._kept = {table: digest for table, digest in found.items() if digest}

    def empty(self) -> bool:
        """Delete what was written; return whether that was enough.

        It is not where a test changed what had been there before, nor on a server that was not started here.
        """
        is_as_before = all(_digest_of(table) == digest for table, digest in self._kept.items())
        if not (is_as_before and settings.DATABASE_IS_EMBEDDED):
            return False
        self.delete()
        apply_table_rules(connection.alias)  # a test may have changed triggers and rights, too
        return True

    def delete(self) -> None:
        """Delete what was written, on a server that was started here."""
        with _superuser() as server:  # whom neither a trigger nor a foreign key stops
            server.execute("SET session_replication_role = replica")
            server.execute(_DELETE % ",".join(self._kept))


def _digest_of(table: str) -> str | None:
    """Return a digest of the rows of a table, None where it has none."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT md5(string_agg(row::text, chr(10) ORDER BY row::text)) FROM "{table}" AS row')
        (digest,) = cursor.fetchone() or (None,)
    return digest


def _superuser() -> psycopg.Connection:
    plan = embedded.read_plan(settings.VAR)
    return psycopg.connect(
        host="127.0.0.1", port=plan.postgres_port, dbname=connection.settings_dict["NAME"], user="postgres",
        password=plan.postgres_password, autocommit=True,
    )  # fmt: skip
