"""No migration leaves a new table without its trigger and grants, wherever `migrate` ends.

Each migration that is about to run gets one more operation at its end, as Django's contenttypes do it, so that tables
and rules are committed together. `post_migrate` would come too late where a later migration fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import Migration
from django.db.migrations.operations.base import Operation

from evidence.table_rules import apply_rules_to_new_tables


class RuleNewTables(Operation):
    """The last operation of every migration: rules for the tables it made."""

    reduces_to_sql = False
    atomic = True  # also in a migration that is not

    def state_forwards(self, app_label: str, state: Any) -> None:
        """No model changes by it."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Give what nobody has a right on yet its rules."""
        del app_label, from_state, to_state
        apply_rules_to_new_tables(schema_editor.connection.alias)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """A table that goes takes its rules with it."""

    def describe(self) -> str:
        """Say what it does, in `migrate --plan`."""
        return "Give new tables their trigger and grants"


def add_rules_to_plan(plan: Sequence[tuple[Migration, bool]], **_: Any) -> None:
    """Append the operation to each migration that is about to run forwards. Safe to repeat."""
    for migration, is_backwards in plan:
        if not is_backwards and not any(isinstance(one, RuleNewTables) for one in migration.operations):
            # Of this one object, not of its class.
            setattr(migration, "operations", [*migration.operations, RuleNewTables()])  # noqa: B010  # typed as a class's
