"""A migration changes tables in use in steps of `evidence.live_operations`, and in no other way."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection, migrations, models
from django.db.migrations import AddConstraint, AddIndex, CreateModel, Migration, RunPython, RunSQL
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.test.utils import CaptureQueriesContext

from evidence.added_columns import AddColumns
from evidence.live_operations import AddCheck, BuildIndex, DropIndex, Live

APPS = ("evidence", "requirements", "interpret")
STEPS = (Live, AddCheck, BuildIndex, DropIndex, AddColumns)
# Up to these, indexes and constraints of a few small tables are made in one step.
EARLIER = {"evidence": "0007", "requirements": "0004", "interpret": "0002"}


def later_migrations() -> list[Migration]:
    """All but those that make the first tables, which nobody uses yet."""
    found = MigrationLoader(None).disk_migrations.values()
    return sorted(
        (one for one in found if one.app_label in APPS and not one.name.startswith("0001")), key=str
    )


def database_operations(operations: Sequence[Operation]) -> Iterator[Operation]:
    for operation in operations:
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from database_operations(operation.database_operations)
        else:
            yield operation


def faults_in(migration: Migration) -> list[str]:
    """What a migration does to tables that others may be using, other than in such steps."""
    operations = list(database_operations(migration.operations))
    faults = [fault for one in operations if (fault := fault_of(one, migration))]
    if any(isinstance(one, STEPS) for one in operations) and migration.atomic:
        faults.append("it is atomic, so that all locks are held until its end")
    return faults


def fault_of(operation: Operation, migration: Migration) -> str:
    if isinstance(operation, Live):
        return fault_of_step(operation.operation, migration)
    if isinstance(operation, AddCheck | BuildIndex | DropIndex | AddColumns):
        return ""
    if isinstance(operation, RunPython):
        return "it executes by itself" if ".execute(" in source_of(operation) else ""
    if isinstance(operation, RunSQL):
        return "" if operation.sql == RunSQL.noop else "SQL at large"
    return f"{operation} as Django does it" if changes_tables(operation, migration) else ""


def fault_of_step(operation: Operation, migration: Migration) -> str:
    """An index or a constraint is made in one step on a new table alone: on a filled one, writers would wait."""
    if migration.name[:4] <= EARLIER.get(migration.app_label, "") or not isinstance(
        operation, AddIndex | AddConstraint
    ):
        return ""
    made = {
        one.operation.name.lower()
        for one in migration.operations
        if isinstance(one, Live) and isinstance(one.operation, CreateModel)
    }
    return "" if operation.model_name.lower() in made else f"{operation} in one step"


def source_of(operation: RunPython) -> str:
    """What it runs, but for questions and functions, which lock no table."""
    lines = inspect.getsource(operation.code).splitlines()
    return "\n".join(line for line in lines if "SELECT" not in line and "cursor.execute(sql)" not in line)


def changes_tables(operation: Operation, migration: Migration) -> bool:
    if isinstance(operation, AddIndex):  # also concurrently: `migrate` limits how long it waits for others
        return True
    loader = MigrationLoader(None)
    before = loader.project_state((migration.app_label, migration.name), at_end=False)
    after = before.clone()
    operation.state_forwards(migration.app_label, after)
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        operation.database_forwards(migration.app_label, editor, before, after)
    return any(not line.startswith("--") for line in editor.collected_sql)


@pytest.mark.django_db
@pytest.mark.parametrize("migration", later_migrations(), ids=str)
def test_tables_in_use_are_changed_in_small_steps(migration: Migration) -> None:
    assert faults_in(migration) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "operation",
    [
        AddIndexConcurrently("reject", models.Index(fields=["code"], name="another")),
        migrations.AddField("reject", "more", models.TextField(null=True)),
        migrations.AddIndex("reject", models.Index(fields=["code"], name="another")),
        Live(migrations.AddIndex("reject", models.Index(fields=["code"], name="another"))),
        RunSQL("ALTER TABLE evidence_reject ADD COLUMN more text"),
    ],
    ids=str,
)
def test_a_step_of_another_kind_is_found(operation: Operation) -> None:
    migration = type("Migration", (Migration,), {"operations": [operation], "atomic": False})(
        "0015_erasures_scope", "evidence"
    )
    assert len(faults_in(migration)) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("half_way", [False, True])
def test_a_check_of_a_table_in_use_is_added_and_then_looked_at(*, half_way: bool) -> None:
    """The lock that stops writers is held while nothing is read: the rows are looked at under another."""
    step = AddCheck("reject", models.CheckConstraint(condition=~models.Q(code=""), name="reject_says_why"))
    state = MigrationLoader(None).project_state(nodes=[("evidence", "0039_what_runners_say")])
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        if half_way:
            cursor.execute(
                "ALTER TABLE evidence_reject ADD CONSTRAINT reject_says_why CHECK (code <> '') NOT VALID"
            )
    with CaptureQueriesContext(connection) as captured:
        step.database_forwards("evidence", connection.schema_editor(atomic=False), state, state)
    changes = [query["sql"] for query in captured if query["sql"].startswith("ALTER")]
    assert [sql.endswith("NOT VALID") for sql in changes] == ([False] if half_way else [True, False])
    assert "VALIDATE" in changes[-1]
    with connection.cursor() as cursor:
        cursor.execute("SELECT convalidated FROM pg_constraint WHERE conname = 'reject_says_why'")
        assert cursor.fetchall() == [(True,)]
