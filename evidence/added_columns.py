"""How a migration gives tables columns that PostgreSQL fills in, without rewriting their rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation

from evidence.live_operations import execute_beside_writers
from evidence.models.base import CurrentXactId


class AddColumns(Operation):
    """Give many tables the same column, each by itself beside writers.

    No model is drawn up for it. Django would draw up each of them with all that it is related to, again and again.
    """

    reduces_to_sql = False

    def __init__(
        self, nouns: Iterable[str], column: str, definition: str, field: models.Field[Any, Any]
    ) -> None:
        """Name the tables by their models, and the column.

        Args:
            definition: its type and its default, as PostgreSQL reads them.
        """
        self.nouns, self.column, self.field = list(nouns), column, field
        self.kind, _, self.default = definition.partition(" DEFAULT ")

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Add the field to the models."""
        keys = {(app_label, noun) for noun in self.nouns}
        for key in keys:
            state.models[key].fields[self.column] = self.field
        state.reload_models(keys)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Add a column first and its default after it: given with it, PostgreSQL would compute it for each row."""
        del from_state, to_state
        for noun in self.nouns:  # together they would wait for every writer there is, in another order
            table = f"{app_label}_{noun}"
            execute_beside_writers(
                schema_editor,
                table,
                f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {self.column} {self.kind};"
                f"ALTER TABLE {table} ALTER COLUMN {self.column} SET DEFAULT {self.default};",
            )

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Drop them."""
        del from_state, to_state
        for noun in self.nouns:
            schema_editor.execute(f"ALTER TABLE {app_label}_{noun} DROP COLUMN {self.column}")

    def describe(self) -> str:
        """Say what it does."""
        return f"Add {self.column} to {', '.join(self.nouns)}"


def add_xact_id(nouns: Iterable[str]) -> AddColumns:
    """Return the operation that has rows carry their transaction, in a migration that is not atomic.

    Of rows there were, nobody knows it: theirs stays null.
    """
    field = models.BigIntegerField(null=True, editable=False, db_default=CurrentXactId())
    return AddColumns(nouns, "xact_id", "bigint DEFAULT tracebinder_xact_id()", field)


def add_payload_salt(nouns: Iterable[str]) -> AddColumns:
    """Return the operation that has rows carry the salt of their payload, in a migration that is not atomic.

    Rows there were get theirs when they are adopted (`evidence.services.log.adoption`).
    """
    field = models.UUIDField(null=True, editable=False, db_default=RandomUUID())
    return AddColumns(nouns, "payload_salt", "uuid DEFAULT gen_random_uuid()", field)
