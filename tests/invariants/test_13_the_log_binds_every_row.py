"""Invariant 13: each append-only row is in the log by its digest, and whoever owns the tables changes none unnoticed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import rfc8785
from django.apps import apps
from django.conf import settings
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Model

from evidence.digests import sha256_hex
from evidence.log import tree
from evidence.models import AuditEvent, Blob, BlobRemoval, Erasure, Span, System
from evidence.models.base import AppendOnlyModel
from evidence.row_schemas import bound_models, schema_of, schemas_by_table, with_todays_schemas
from evidence.services.log.rows import check_rows, root_of
from tests.evidence.binder_world import fill
from tests.evidence.filled import Filler
from tests.factories import make_world

BOUND = list(bound_models())


class Faults(list[str]):
    """What a check of the rows says."""

    def add(self, fault: str) -> None:
        self.append(fault)


def find_faults() -> set[str]:
    """Return what a check of all rows finds now."""
    faults = Faults()
    check_rows(faults)
    return set(faults)


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


@pytest.fixture
def filled(transactional_db: None) -> None:
    """A row in every table; those that the services of a worked example leave empty are filled by hand."""
    del transactional_db
    fill(make_world())
    filler = Filler(connection.connection)
    for model in BOUND:
        if model is not BlobRemoval and not model._default_manager.exists():
            filler.fill(model._meta.db_table, 1)
    filler.fill(Erasure._meta.db_table, 1)
    BlobRemoval.objects.create(
        blob=Blob.objects.first(), erasure=Erasure.objects.first(), removed_by="system:test"
    )
    assert all(model._default_manager.exists() for model in BOUND)


@pytest.mark.django_db
def test_every_append_only_table_is_bound_and_says_which_event_explains_its_rows() -> None:
    tree_itself = {"evidence.Leaf", "evidence.Tile", "evidence.Checkpoint"}
    for model in apps.get_models():
        if not issubclass(model, AppendOnlyModel):
            continue
        path = model.EVENT_PATH
        assert (path is None) == bool(model.NO_EVENT), f"{model._meta.label}: which event explains a row?"
        assert (model in BOUND) != (model._meta.label in tree_itself)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tgenabled FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname = 'tracebinder_bind'",
                [model._meta.db_table],
            )
            assert cursor.fetchone() == (("O",) if model in BOUND else None)


def test_the_schemas_on_record_end_with_todays() -> None:
    on_record = {
        table: [one.as_json() for one in reversed(known)] for table, known in schemas_by_table().items()
    }
    assert with_todays_schemas() == on_record, (
        "run `manage.py write_reference`, which adds a schema and drops none"
    )


def test_the_content_of_a_row_is_canonical_json(filled: None) -> None:
    """PostgreSQL writes what RFC 8785 asks for, whatever the text."""
    texts = ['"\\/\b\f\n\r\t\x01\x1f\x7f', "引用的条款 é 🙂 \u2028\ufffd", "<&>'", ""]
    for text in texts:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_json(%s::text)::text", [text])
            assert cursor.fetchone()[0].encode() == rfc8785.dumps(text)
    for model in BOUND:
        row = content_of(model)
        assert rfc8785.dumps(json.loads(row)) == row.encode(), model._meta.label
        assert json.loads(row)["schema"] == schema_of(model).digest


def content_of(model: type[AppendOnlyModel]) -> str:
    """Return what the leaf of a row of a table is over."""
    sql = schema_of(model).leaf_sql("one").removeprefix("sha256('\\x00'::bytea || ").removesuffix(")")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT convert_from({sql}, 'UTF8') FROM {model._meta.db_table} AS one LIMIT 1")
        return str(cursor.fetchone()[0])


def change_each_column(model: type[Model]) -> Iterator[str]:
    """Yield statements that change one column each of one row."""
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
        yield f"UPDATE {table} SET {column} = {other} WHERE ctid = (SELECT min(ctid) FROM {table})"


def delete_a_row(model: type[Model]) -> Iterator[str]:
    """Yield the statement that deletes one row."""
    table = model._meta.db_table
    yield f"DELETE FROM {table} WHERE ctid = (SELECT min(ctid) FROM {table})"


def copy_a_row(model: type[Model], *, into: str = "xact_id") -> str:
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
    return f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM {table} LIMIT 1"


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


def attempts(model: type[Model], statements: Iterator[str]) -> Iterator[tuple[str, bool]]:
    """Yield each statement that could be carried out with the triggers off, and whether the check found it."""
    before = find_faults()
    for statement in statements:
        try:
            with as_owner() as cursor:
                cursor.execute(f"ALTER TABLE {model._meta.db_table} DISABLE TRIGGER USER")
                cursor.execute(statement)
                yield statement, bool(find_faults() - before)
        except (IntegrityError, DataError):  # the table refuses it
            continue


def test_probe(filled: None) -> None:
    import time

    for kind, attack in (
        ("change", change_each_column),
        ("delete", delete_a_row),
        ("insert", lambda m: iter([copy_a_row(m)])),
    ):
        t = time.time()
        n = 0
        missed = []
        for model in BOUND:
            for statement, found in attempts(model, attack(model)):
                n += 1
                if not found:
                    missed.append(statement)
        print("PROBE", kind, n, time.time() - t, len(missed))
        print("MISSED " + "\nMISSED ".join(missed))
    assert 0
