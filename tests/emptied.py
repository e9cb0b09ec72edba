"""How the database is emptied after a test that committed: what was written is deleted, and nothing else is touched.

Django would truncate every table, and then have what `migrate` puts into some of them put there again. That gives each
of some hundred tables, and each of their indexes, a file of its own, which takes longer than most of the tests do.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
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
        AND pg_relation_size(oid) > 0
    LOOP
        EXECUTE format('DELETE FROM %%s', one);
    END LOOP;
END $$
"""

# Of what `evidence.table_rules` reads: each row of the catalogue with the transaction that wrote it.
_RULES: Final = """
SELECT md5(string_agg(written, ',' ORDER BY written)) FROM (
    SELECT 'class ' || oid || ' ' || xmin FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'column ' || attrelid || ' ' || attnum || ' ' || xmin FROM pg_attribute WHERE attacl IS NOT NULL
    UNION ALL SELECT 'trigger ' || oid || ' ' || xmin FROM pg_trigger
    UNION ALL SELECT 'function ' || oid || ' ' || xmin FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'schema ' || oid || ' ' || xmin FROM pg_namespace
    UNION ALL SELECT 'role ' || rolname FROM pg_roles
) AS catalogue(written)
"""


class Emptier:
    """Empties the database of the tests down to what was in it when this was made. Acts as the owner of the tables."""

    def __init__(self) -> None:
        tables = connection.introspection.table_names()
        self._kept = {table: digest for table, digest in _digests_of(tables).items() if digest}
        self._rules = _digest_of_rules()

    def empty(self) -> bool:
        """Delete what was written; return whether that was enough.

        It is not where a test changed what had been there before, nor on a server that was not started here.
        """
        if not settings.DATABASE_IS_EMBEDDED or _digests_of(self._kept) != self._kept:
            return False
        self.delete()
        if _digest_of_rules() != self._rules:  # a test may have changed triggers and rights, too
            apply_table_rules(connection.alias)
            self._rules = _digest_of_rules()
        return True

    def delete(self) -> None:
        """Delete what was written, on a server that was started here."""
        _superuser().execute(_DELETE % ",".join(self._kept))


def _digests_of(tables: Iterable[str]) -> dict[str, str | None]:
    """Return a digest of the rows of each table, None of one that has none."""
    each = "SELECT '{0}', md5(string_agg(row::text, chr(10) ORDER BY row::text)) FROM \"{0}\" AS row"
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(map(each.format, tables)))
        return dict(cursor.fetchall())


def _digest_of_rules() -> str:
    """Return a digest of triggers, rights and functions, which changes whenever any is written, be it the same."""
    with connection.cursor() as cursor:
        cursor.execute(_RULES)
        (digest,) = cursor.fetchall()[0]
    return str(digest)


@cache
def _superuser() -> psycopg.Connection:
    """Return a connection that neither a trigger nor a foreign key stops: one, which has read its catalogue once."""
    plan = embedded.read_plan(settings.VAR)
    server = psycopg.connect(
        host="127.0.0.1", port=plan.postgres_port, dbname=connection.settings_dict["NAME"], user="postgres",
        password=plan.postgres_password, autocommit=True,
    )  # fmt: skip
    server.execute("SET session_replication_role = replica")
    return server


def close_connection() -> None:
    """End the connection that deletes, where there is one: nobody drops a database that somebody is connected to."""
    if _superuser.cache_info().currsize:
        _superuser().close()
        _superuser.cache_clear()
