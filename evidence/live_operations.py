"""Operations of migrations that change tables others write to meanwhile: small steps, each of which may be met again.

A migration made of them is not `atomic`: each step commits by itself, so that no lock is held longer than its step
takes. One that failed half-way is run again and finds which of its steps are done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement
from django.db.backends.utils import CursorWrapper
from django.db.migrations import AddConstraint, AddField, AddIndex, CreateModel, RemoveIndex, RenameField
from django.db.migrations.operations.base import Operation
from django.db.models import Model
from django.db.models.fields import NOT_PROVIDED

from evidence.short_transactions import change_beside_writers
from evidence.table_rules import apply_rules_to_new_tables

_PARTITIONS_WITHOUT: Final = """
SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
WHERE inhparent = %(table)s::regclass AND NOT EXISTS (
    SELECT FROM pg_inherits AS attached JOIN pg_index ON indexrelid = attached.inhrelid
    WHERE attached.inhparent = to_regclass(%(index)s) AND indrelid = child.oid)
ORDER BY 1
"""

_COLUMN: Final = (
    "(SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped)"
)


class Live(Operation):
    """One of Django's operations in small steps, each a short transaction of its own and skipped where it is done.

    A foreign key comes after its column or table: the other table is locked for an instant, and its rows are looked at
    without a lock that stops writers. A column that must have a value keeps its default in the database, because the
    servers that are replaced last do not write it.
    """

    reduces_to_sql = False

    def __init__(self, operation: Operation) -> None:
        self.operation = operation

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change the state as the operation does."""
        self.operation.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Do it, trying again as long as somebody is in its way; a table it makes gets its rules with it."""
        connection = schema_editor.connection

        def change() -> None:
            with connection.cursor() as cursor:
                if _is_done(self.operation, cursor, app_label, to_state):
                    return
            with connection.schema_editor(atomic=False) as editor:
                if isinstance(self.operation, AddField):
                    _add_column(self.operation, editor, app_label, to_state)
                else:
                    self.operation.database_forwards(app_label, editor, from_state, to_state)
                    editor.deferred_sql = [sql for sql in editor.deferred_sql if not _is_foreign_key(sql)]
            apply_rules_to_new_tables(connection.alias)

        change_beside_writers(connection.alias, self.describe(), change)
        for model, field in _new_fields(self.operation, app_label, to_state):
            if isinstance(self.operation, AddField):
                _index_column(schema_editor, model, field)
            if field.remote_field and field.db_constraint:
                _add_foreign_key(schema_editor, model, field)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Undo it as the operation does."""
        self.operation.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        """Say what it does."""
        return self.operation.describe()


class BuildIndex(AddIndex):
    """Build an index of a table in use, without a lock that stops writers."""

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Build it, unless it is there and whole."""
        del from_state
        model = to_state.apps.get_model(app_label, self.model_name)
        statement = self.index.create_sql(model, schema_editor, concurrently=True)
        build_index(schema_editor, f'"{self.index.name}"', str(statement))


class DropIndex(RemoveIndex):
    """Drop an index of a table in use, without a lock that stops writers."""

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Drop it, unless it is gone."""
        del app_label, from_state, to_state
        with patient_cursor(schema_editor) as cursor:
            cursor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{self.name}"')


class AddCheck(AddConstraint):
    """Add a check to a table in use: new rows are held to it from then on, those there are while writers go on."""

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Add it, unless it is there, and look at the rows."""
        del from_state
        model = to_state.apps.get_model(app_label, self.model_name)
        statement = self.constraint.create_sql(model, schema_editor)
        _add_and_validate(schema_editor, model._meta.db_table, f'"{self.constraint.name}"', str(statement))


@contextmanager
def patient_cursor(schema_editor: BaseDatabaseSchemaEditor) -> Iterator[CursorWrapper]:
    """Yield a cursor without a lock timeout, for what waits for others and has nobody wait for it (CONCURRENTLY)."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        (usual,) = cursor.fetchone() or ("0",)
        cursor.execute("SET lock_timeout = 0")
        try:
            yield cursor
        finally:
            cursor.execute(f"SET lock_timeout = '{usual}'")


def build_index(schema_editor: BaseDatabaseSchemaEditor, name: str, create: str) -> None:
    """Build an index while writers go on, unless it is there and whole.

    Args:
        name: quoted.
        create: the statement; with CONCURRENTLY.
    """
    with patient_cursor(schema_editor) as cursor:
        if not _is_whole(cursor, name):
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            cursor.execute(create)


def execute_beside_writers(schema_editor: BaseDatabaseSchemaEditor, subject: str, sql: str) -> None:
    """Run statements that may be met again in a short transaction of their own."""
    alias = schema_editor.connection.alias
    change_beside_writers(alias, subject, partial(_execute, schema_editor, sql))


def build_index_of_partitions(
    schema_editor: BaseDatabaseSchemaEditor, *, table: str, index: str, suffix: str, create: str, on: str
) -> None:
    """Build an index of a partitioned table partition by partition while senders go on.

    Args:
        suffix: what follows a partition's name in that of its index.
        create: `INDEX` or `UNIQUE INDEX`.
        on: what follows the table's name: `(column)`, `USING brin (column) WITH (...)`.
    """

    def without() -> list[str]:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(_PARTITIONS_WITHOUT, {"table": table, "index": index})
            return [name for (name,) in cursor.fetchall()]

    for partition in without():
        with patient_cursor(schema_editor) as cursor:
            # Of a run that failed half-way: what it left may not be whole.
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {partition}_{suffix}")
            cursor.execute(f"CREATE {create} CONCURRENTLY {partition}_{suffix} ON {partition} {on}")
    execute_beside_writers(
        schema_editor, index, f"CREATE {create} IF NOT EXISTS {index} ON ONLY {table} {on}"
    )
    for partition in without():
        execute_beside_writers(
            schema_editor,
            partition,
            f"CREATE {create} IF NOT EXISTS {partition}_{suffix} ON {partition} {on};"
            f"ALTER INDEX {index} ATTACH PARTITION {partition}_{suffix}",
        )


def drop_indexes_of(schema_editor: BaseDatabaseSchemaEditor, columns: Sequence[tuple[str, str]]) -> None:
    """Drop the indexes that Django made for foreign keys alone.

    Args:
        columns: table and column of each.
    """
    with patient_cursor(schema_editor) as cursor:
        for table, column in columns:
            cursor.execute(
                "SELECT indexrelid::regclass::text FROM pg_index"
                " JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]"
                " WHERE indrelid = to_regclass(%s) AND attname = %s AND indnatts = 1 AND NOT indisunique",
                [table, column],
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP INDEX CONCURRENTLY {name}")


def _add_column(operation: AddField, editor: Any, app_label: str, to_state: Any) -> None:
    """Add a column as Django does, without what takes a lock on another table or goes through the rows."""
    model, field = next(_new_fields(operation, app_label, to_state))
    keeps_constraint, field.db_constraint = getattr(field, "db_constraint", True), False
    try:
        if not operation.preserve_default:
            field.default = operation.field.default
        editor.add_field(model, field)
        _keep_default(editor, model, field)
        editor.deferred_sql.clear()  # of a column, there are none but indexes
    finally:
        field.db_constraint = keeps_constraint
        if not operation.preserve_default:
            field.default = NOT_PROVIDED


def keep_default_of(operation: Operation, editor: Any, model: type[Model]) -> None:
    """Give a column of a model the default that it kept when a migration added it; other operations do nothing.

    Args:
        model: as the migrations leave it in the end.
    """
    if not (isinstance(operation, Live) and isinstance(operation.operation, AddField)):
        return
    added = operation.operation
    if added.model_name_lower == model._meta.model_name and any(
        field.name == added.name for field in model._meta.local_concrete_fields
    ):
        field = added.field.clone()
        field.set_attributes_from_name(added.name)
        _keep_default(editor, model, field)


def _keep_default(editor: Any, model: type[Model], field: Any) -> None:
    must_have_value = not field.null and not field.has_db_default()
    if must_have_value and editor.effective_default(field) is not None:
        changes, values = editor._alter_column_default_sql(model, None, field)  # noqa: SLF001  # Django has no other
        editor.execute(f'ALTER TABLE "{model._meta.db_table}" {changes}', values)


def _index_column(schema_editor: Any, model: type[Model], field: Any) -> None:
    """Build the indexes that Django gives a column of this kind, beside writers."""
    for statement in schema_editor._field_indexes_sql(model, field):  # noqa: SLF001  # likewise
        statement.template = schema_editor.sql_create_index_concurrently
        build_index(schema_editor, str(statement.parts["name"]), str(statement))


def _add_foreign_key(schema_editor: Any, model: type[Model], field: Any) -> None:
    """Have new rows checked from now on, and look at those there are while writers go on."""
    suffix = "_fk_%(to_table)s_%(to_column)s"  # as Django calls it
    statement = schema_editor._create_fk_sql(model, field, suffix)  # noqa: SLF001  # likewise
    _add_and_validate(schema_editor, model._meta.db_table, str(statement.parts["name"]), str(statement))


def _add_and_validate(schema_editor: BaseDatabaseSchemaEditor, table: str, name: str, statement: str) -> None:
    """Add a constraint, unless it is there, without a look at the rows, and then look at them beside writers.

    Args:
        name: quoted.
    """
    with schema_editor.connection.cursor() as cursor:
        there = _finds(cursor, "(SELECT 1 FROM pg_constraint WHERE conname = %s)", name.strip('"'))
    if not there:
        execute_beside_writers(schema_editor, table, f"{statement} NOT VALID")
    execute_beside_writers(schema_editor, table, f'ALTER TABLE "{table}" VALIDATE CONSTRAINT {name}')


def _is_foreign_key(sql: str | Statement) -> bool:
    return isinstance(sql, Statement) and "FOREIGN KEY" in sql.template


def _new_fields(operation: Operation, app_label: str, state: Any) -> Iterator[tuple[type[Model], Any]]:
    """Return the fields that an operation brings, each with its model."""
    if isinstance(operation, CreateModel):
        model = state.apps.get_model(app_label, operation.name)
        if model._meta.local_many_to_many:
            raise NotImplementedError(f"{operation}: name the table between them as a model of its own")
        yield from ((model, field) for field in model._meta.local_concrete_fields)
    elif isinstance(operation, AddField):
        model = state.apps.get_model(app_label, operation.model_name)
        yield model, model._meta.get_field(operation.name)


def _execute(schema_editor: BaseDatabaseSchemaEditor, sql: str) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(sql)


def _is_whole(cursor: CursorWrapper, index: str) -> bool:
    cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [index])
    return bool(cursor.fetchone() == (True,))


def _is_done(operation: Operation, cursor: CursorWrapper, app_label: str, state: Any) -> bool:
    """Whether what an operation makes is there. Each kind that `Live` is used for makes something with a name."""
    if isinstance(operation, CreateModel):
        # With all its columns: another table of this name is in the way, and Django's operation then says so.
        meta = state.apps.get_model(app_label, operation.name)._meta
        columns = [field.column for field in meta.local_concrete_fields]
        return all(_finds(cursor, _COLUMN, meta.db_table, column) for column in columns)
    if isinstance(operation, AddField | RenameField):
        model = state.apps.get_model(app_label, operation.model_name)
        name = operation.new_name if isinstance(operation, RenameField) else operation.name
        return _finds(cursor, _COLUMN, model._meta.db_table, model._meta.get_field(name).column)
    if isinstance(operation, AddIndex):
        return _finds(cursor, "to_regclass(%s)", operation.index.name)
    if isinstance(operation, AddConstraint):
        name = operation.constraint.name
        return _finds(cursor, "(SELECT 1 FROM pg_constraint WHERE conname = %s)", name) or _finds(
            cursor, "to_regclass(%s)", name
        )
    raise NotImplementedError(f"{operation}: how is it seen that it is done?")


def _finds(cursor: CursorWrapper, expression: str, *names: str) -> bool:
    cursor.execute(f"SELECT {expression} IS NOT NULL", names)
    return bool(cursor.fetchone() == (True,))
