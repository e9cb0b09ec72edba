"""Many rows into a table at once: each column as one array, whatever the number of rows.

Django does so by itself, but for a table with a column of arrays or bytes: there it writes a placeholder for each value
of each row, and making and parsing those costs more than the rows do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models.expressions import DatabaseDefault

_LENGTH: Final = re.compile(r"\(\d+\)")
_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"'})  # within quotes in the text of an array


def insert_as_arrays(rows: Sequence[models.Model]) -> None:
    """Insert unsaved rows of one model, in their order, and give each its key and transaction."""
    if not rows:
        return
    options = type(rows[0])._meta
    fields = [
        field
        for field in options.concrete_fields
        if not field.primary_key and not isinstance(getattr(rows[0], field.attname), DatabaseDefault)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            _statement(options.db_table, fields), [[_carry(field, row) for row in rows] for field in fields]
        )
        keys = cursor.fetchall()
    for row, (pk, xact_id) in zip(rows, keys, strict=True):
        row.pk, row.xact_id = pk, xact_id  # type: ignore[attr-defined]  # append-only rows carry it
        row._state.adding, row._state.db = False, connection.alias  # noqa: SLF001  # as Django does for a saved row


def _statement(table: str, fields: Sequence[models.Field[Any, Any]]) -> str:
    columns = [connection.ops.quote_name(str(field.column)) for field in fields]
    named, taken, arrays = ", ".join(columns), [], []
    for field, column in zip(fields, columns, strict=True):
        # Without its length: what is too long is refused, where a cast would cut it.
        kind = _LENGTH.sub("", str(field.db_type(connection)))
        taken.append(f"{column}::{kind}" if isinstance(field, ArrayField) else column)
        arrays.append(f"(%s)::{'text' if isinstance(field, ArrayField) else kind}[]")
    return (
        f"INSERT INTO {table} ({named}) SELECT {', '.join(taken)} FROM UNNEST({', '.join(arrays)}) "  # noqa: S608  # our own names
        f"AS told ({named}) RETURNING id, xact_id"
    )


def _carry(field: models.Field[Any, Any], row: models.Model) -> object:
    """Return what stands in the array of a column; an array of texts as PostgreSQL writes one."""
    value = field.pre_save(row, add=True)
    if isinstance(field, models.BinaryField):
        return bytes(value)
    if not isinstance(field, ArrayField):
        return field.get_db_prep_save(value, connection)
    if value is None:
        return None
    return "{" + ",".join(f'"{one.translate(_ESCAPES)}"' for one in value) + "}"
