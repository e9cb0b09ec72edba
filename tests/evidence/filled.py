"""Rows for a schema of any age: what each column takes is read from the catalogue of the database itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import psycopg

_COLUMNS = """
SELECT column_.column_name, column_.data_type, column_.character_maximum_length, (
    SELECT parent.relname || '.' || named.attname FROM pg_constraint AS key
    JOIN pg_class AS parent ON parent.oid = key.confrelid
    JOIN pg_attribute AS named ON named.attrelid = key.confrelid AND named.attnum = key.confkey[1]
    JOIN pg_attribute AS attribute ON attribute.attrelid = key.conrelid
    WHERE key.conrelid = column_.table_name::regclass AND key.contype = 'f' AND key.conkey = ARRAY[attribute.attnum]
    AND attribute.attname = column_.column_name)
FROM information_schema.columns AS column_
WHERE table_schema = 'public' AND table_name = %s
AND is_identity = 'NO' AND is_nullable = 'NO' AND column_default IS NULL
ORDER BY ordinal_position
"""

# What a CHECK or an enumeration wants that its type does not tell. `n` numbers the row.
_PARTICULAR = {
    ("evidence_span", "started_at"): "'2026-05-01'::timestamptz + n * interval '1 second'",
    ("evidence_trace", "revision"): "1",
    ("evidence_trace", "trace_id"): "md5({salt} || n)::uuid",
    ("evidence_samplingplan", "period_from"): "now() - interval '1 day'",
    ("evidence_samplingplan", "period_to"): "now() + interval '1 day'",
    ("evidence_golddraw", "number"): "0",
    ("evidence_citation", "verdict"): "'verbatim'",
    ("evidence_ingestbatch", "signal"): "'traces'",
    ("requirements_tracelink", "upstream_id"): "(SELECT min(id) FROM evidence_artefact)",
}
# Of these parents a row needs two.
_TWO_OF: Final = {"requirements_tracelink": "evidence_artefact"}
_BY_TYPE = {
    "bigint": "n",
    "integer": "n",
    "smallint": "1",
    "boolean": "true",
    "uuid": "md5({salt} || n)::uuid",
    "jsonb": "'[]'::jsonb",
    "ARRAY": "'{{}}'",
    "bytea": "'x'::bytea",
    "date": "'2026-05-01'::date",
    "double precision": "0.5",
    "numeric": "0.5",
    "timestamp with time zone": "now()",
}


@dataclass(slots=True)
class Filler:
    """Inserts rows on one connection; the parents a row needs are made first, one of each."""

    connection: psycopg.Connection
    longest: int = 100  # characters of a text
    _statements: dict[str, str] = field(default_factory=dict)

    def fill(self, table: str, count: int, *, salt: str = "") -> None:
        """Insert some rows.

        Args:
            salt: what makes the texts and ids of these rows differ from others'.
        """
        if table not in self._statements:
            self._statements[table] = self._statement_for(table)
        self.connection.execute(self._statements[table], {"count": count, "salt": salt})

    def forget(self) -> None:
        """Read the catalogue again: an upgrade has changed a table."""
        self._statements.clear()

    def _statement_for(self, table: str) -> str:
        columns = self.connection.execute(_COLUMNS, [table]).fetchall()
        for *_, parent in columns:
            above = (parent or table).split(".")[0]
            if above != table and not self._has_rows(above):
                self.fill(above, 1)
        if (twofold := _TWO_OF.get(table)) and self._count(twofold) < 2:
            self.fill(twofold, 1, salt="another")
        names = ", ".join(f'"{name}"' for name, *_ in columns)
        values = ", ".join(self._value(table, *column) for column in columns)
        return f"INSERT INTO {table} ({names}) SELECT {values} FROM generate_series(1, %(count)s) AS n"

    def _value(self, table: str, name: str, kind: str, length: int | None, parent: str | None) -> str:
        wanted = _PARTICULAR.get((table, name))
        if parent and not wanted:
            above, key = parent.split(".")
            return f"(SELECT max({key}) FROM {above})"  # names from the catalogue
        text = f"left(md5(%(salt)s || n) || '{name}', {min(length or self.longest, self.longest)})"
        wanted = wanted or _BY_TYPE.get(kind, text)
        return wanted.format(salt="%(salt)s") if wanted is not text else text

    def _has_rows(self, table: str) -> bool:
        found = self.connection.execute(f"SELECT EXISTS (SELECT FROM {table})").fetchone()
        return found == (True,)

    def _count(self, table: str) -> int:
        found = self.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(found[0]) if found else 0
