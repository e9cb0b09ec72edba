"""What of a row is in the log: the canonical content of each append-only table, and the digest over it.

The content of a row is an object of its columns, in RFC 8785 form:

    {"columns": {"<column>": "<text>" or null, ...}, "payload": "<commitment>" or null, "schema": "<digest>"}

Each value is text, so that no reader rounds a number: times are UTC to the microsecond, bytes are hexadecimal, and
everything else is what PostgreSQL writes for it. The leaf of a row is SHA-256(0x00 || content), as of an entry.

What people and models wrote can be erased, so it is not among the columns but behind a commitment,
SHA-256(0x00 || salt || payload), where payload is the same kind of object of the columns that can be erased and salt
are 16 random bytes of the row. An erasure keeps the commitment and takes the salt, so that the leaf stays the same and
nobody can try guesses against it. A span is committed to by its own digest, which is over all it said.

The schema digest names table, columns and how each is written. A column more makes another schema; rows bound before
keep theirs (`row_schemas.json` lists all), so that what was bound once can be recomputed for ever. Such a row holds
nothing in the columns that came later: null, or an empty text.

An erasure makes the commitment of a row without knowing under which schema it was bound. So a column that a table got
later is left out of the payload where it is null, as it is in all older rows: they commit to the same under each
schema. In a schema the form of such a column ends with `?`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.db import models

from evidence.digests import digest_of
from evidence.erasable import columns_that_came, columns_that_go
from evidence.models import Checkpoint, CheckpointTimestamp, Cosignature, Leaf, Span, Tile
from evidence.models.base import AppendOnlyModel, ErasableModel

SCHEMAS: Final = Path(__file__).with_name("row_schemas.json")
_VERSION: Final = 1
BUCKET: Final = 10_000  # keys of a table whose rows are adopted by one event, or disposed of as one
_SALT, _COMMITMENT = "payload_salt", "payload_commitment"
# The tree itself, which is recomputed from the events that are in it, and what others have signed of it.
_OF_THE_TREE: Final = (Leaf, Tile, Checkpoint, Cosignature, CheckpointTimestamp)

_PLAIN, _TEXT, _TIME, _BYTES = "plain", "text", "time", "bytes"
_UNLESS_NULL: Final = "?"  # after a form: where the column is null, the payload does not have it
_TIMES: Final = "'0001-01-01T00:00:00Z' AND '9999-12-31T23:59:59.999999Z'"
_FORMS: Final = {
    "AutoField": _PLAIN,
    "BigAutoField": _PLAIN,
    "BigIntegerField": _PLAIN,
    "BooleanField": _PLAIN,
    "DecimalField": _PLAIN,
    "FloatField": _PLAIN,
    "IntegerField": _PLAIN,
    "PositiveIntegerField": _PLAIN,
    "PositiveBigIntegerField": _PLAIN,
    "PositiveSmallIntegerField": _PLAIN,
    "SmallIntegerField": _PLAIN,
    "UUIDField": _PLAIN,
    "ArrayField": _TEXT,
    "CharField": _TEXT,
    "JSONField": _TEXT,
    "SlugField": _TEXT,
    "TextField": _TEXT,
    "DateTimeField": _TIME,
    "BinaryField": _BYTES,
}


class UnknownColumnType(Exception):
    """Nobody said how a column of this type is written into a row's content: add it to `_FORMS`."""


@dataclass(frozen=True, slots=True)
class RowSchema:
    """How the rows of a table are written to be digested. Columns with their forms, by name."""

    table: str
    columns: tuple[tuple[str, str], ...]
    payload: tuple[tuple[str, str], ...]  # what is committed to with a salt
    came_later: tuple[str, ...] = ()  # columns of today's that this schema does not know

    @property
    def digest(self) -> str:
        """The SHA-256 that stands in each row's content."""
        return digest_of({"version": _VERSION, **self.as_json()})

    def as_json(self) -> dict[str, Any]:
        """Return it as `row_schemas.json` has it."""
        return {"table": self.table, "columns": dict(self.columns), "payload": dict(self.payload)}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> RowSchema:
        """Read what `as_json` wrote."""
        return cls(told["table"], tuple(told["columns"].items()), tuple(told["payload"].items()))

    def names(self) -> set[str]:
        """Return every column that is read to make a leaf."""
        salted = {_SALT, _COMMITMENT} if self.payload else set[str]()
        return {name for name, _ in (*self.columns, *self.payload)} | salted

    def leaf_sql(self, row: str) -> str:
        """Return the SQL for the 32-byte leaf of a row, given the name under which a query knows it."""
        commitment = f"'\"' || {self.commitment_sql(row)} || '\"'" if self.payload else "'null'"
        parts = [
            "'{\"columns\":'",
            _object_sql(row, self.columns),
            "',\"payload\":'",
            commitment,
            f'\',"schema":"{self.digest}"}}\'',
        ]
        leaf = f"sha256('\\x00'::bytea || convert_to({' || '.join(parts)}, 'UTF8'))"
        if not self.came_later:
            return leaf
        # What this schema does not know was not bound under it, so there was nothing: null, or an empty text.
        empty = " AND ".join(f"coalesce({row}.\"{name}\"::text, '') = ''" for name in self.came_later)
        return f"CASE WHEN {empty} THEN {leaf} ELSE sha256('') END"

    def commitment_sql(self, row: str) -> str:
        """Return the SQL for the commitment to a row's payload: the one that an erasure kept, or made from the salt."""
        payload = f"convert_to({_object_sql(row, self.payload)}, 'UTF8')"
        made = f"encode(sha256('\\x00'::bytea || uuid_send({row}.{_SALT}) || {payload}), 'hex')"
        return f"coalesce({row}.{_COMMITMENT}, {made})"


def bound_models() -> Iterator[type[AppendOnlyModel]]:
    """Yield every model whose rows are in the log by their digest, by table name."""
    yield from _bound_models()


@cache
def _bound_models() -> tuple[type[AppendOnlyModel], ...]:
    found = (model for model in apps.get_models() if issubclass(model, AppendOnlyModel))
    return tuple(sorted((m for m in found if m not in _OF_THE_TREE), key=lambda model: model._meta.db_table))


@cache
def schema_of(model: type[AppendOnlyModel]) -> RowSchema:
    """Return how rows of a model are written today.

    Raises:
        UnknownColumnType: a column is of a type that has no form here.
    """
    gone, later = set(columns_that_go(model)), set(columns_that_came(model))
    apart = gone | ({_SALT, _COMMITMENT} if issubclass(model, ErasableModel) else set())
    fields = sorted(model._meta.concrete_fields, key=_column_of)
    return RowSchema(
        model._meta.db_table,
        tuple((_column_of(field), _form_of(field)) for field in fields if field.column not in apart),
        # A span's own digest is over all of these, and is one of its columns.
        ()
        if model is Span
        else tuple(
            (_column_of(field), _form_of(field) + (_UNLESS_NULL if field.column in later else ""))
            for field in fields
            if field.column in gone
        ),
    )


@cache
def schemas_by_table() -> dict[str, list[RowSchema]]:
    """Return every schema that rows of a table may have been bound under, the newest first."""
    told = json.loads(SCHEMAS.read_text(encoding="utf-8"))
    return {table: list(_newest_first(map(RowSchema.from_json, known))) for table, known in told.items()}


def _newest_first(known: Iterable[RowSchema]) -> Iterator[RowSchema]:
    today, *earlier = reversed(list(known))
    yield today
    names = {name for name, _ in (*today.columns, *today.payload)}
    for one in earlier:
        later = names - {name for name, _ in (*one.columns, *one.payload)}
        yield replace(one, came_later=tuple(sorted(later)))


def with_todays_schemas() -> dict[str, list[dict[str, Any]]]:
    """Return what `row_schemas.json` has to say: what it says, and what it does not know yet."""
    told = json.loads(SCHEMAS.read_text(encoding="utf-8")) if SCHEMAS.exists() else {}
    for model in bound_models():
        today, known = schema_of(model).as_json(), told.setdefault(model._meta.db_table, [])
        if not known or known[-1] != today:
            known.append(today)
    return dict(sorted(told.items()))


def write_todays_schemas() -> None:
    """Add to `row_schemas.json` what it does not know yet; nothing is taken from it."""
    SCHEMAS.write_text(json.dumps(with_todays_schemas(), indent=1) + "\n", encoding="utf-8")


def _column_of(field: models.Field[Any, Any]) -> str:
    return str(field.column)


def _form_of(field: models.Field[Any, Any]) -> str:
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    form = _FORMS.get(field.get_internal_type())
    if form is None:
        raise UnknownColumnType(f"{field}: {field.get_internal_type()}")
    return form


def _object_sql(row: str, columns: tuple[tuple[str, str], ...]) -> str:
    """Return the SQL for the RFC 8785 text of an object of columns, which come sorted by name."""
    members = [_member_sql(row, name, form) for name, form in columns]
    # A function takes a hundred arguments.
    chunks = [members[start : start + 40] for start in range(0, len(members), 40)]
    joined = " || ".join(f"concat({', '.join(chunk)})" for chunk in chunks)
    return f"'{{' || substr({joined}, 2) || '}}'"  # without the comma before the first


def _member_sql(row: str, name: str, form: str) -> str:
    """Return the arguments of `concat` for a member, with the comma before it."""
    column = f'{row}."{name}"'
    told = f"""',"{name}":', {_value_sql(column, form.removesuffix(_UNLESS_NULL))}"""
    return f"CASE WHEN {column} IS NOT NULL THEN concat({told}) END" if form.endswith(_UNLESS_NULL) else told


def _value_sql(column: str, form: str) -> str:
    """Return the SQL for a column's JSON: of its text, or null. `to_json` escapes a text as RFC 8785 asks for."""
    if form == _TEXT:
        return f"coalesce(to_json({column}::text)::text, 'null')"
    text = {
        _PLAIN: f"{column}",
        _TIME: _time_sql(column),
        _BYTES: f"encode({column}, 'hex')",
    }[form]
    return f"coalesce('\"' || {text} || '\"', 'null')"


def _time_sql(column: str) -> str:
    """Return the SQL for the text of a time. Those of our years are in UTC; `to_char` would write the year 5 before
    Christ like the year 5, and infinity like null: others are as PostgreSQL writes them.
    """
    utc = f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    return f"CASE WHEN {column} BETWEEN {_TIMES} THEN {utc} ELSE {column}::text END"
