"""How a migration gives tables columns that PostgreSQL fills in, without rewriting their rows."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.postgres.functions import RandomUUID
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation

from evidence.live_operations import execute_beside_writers
from evidence.models.base import CurrentXactId


def add_xact_id(app: str, nouns: Iterable[str]) -> Operation:
    """Return the operation that has rows carry their transaction, in a migration that is not atomic.

    Of rows there were, nobody knows it: theirs stays null.
    """
    field = models.BigIntegerField(null=True, editable=False, db_default=CurrentXactId())
    return _add(app, list(nouns), "xact_id", "bigint DEFAULT tracebinder_xact_id()", field)


def add_payload_salt(app: str, nouns: Iterable[str]) -> Operation:
    """Return the operation that has rows carry the salt of their payload, in a migration that is not atomic.

    Rows there were get theirs when they are adopted (`evidence.services.log.adoption`).
    """
    field = models.UUIDField(null=True, editable=False, db_default=RandomUUID())
    return _add(app, list(nouns), "payload_salt", "uuid DEFAULT gen_random_uuid()", field)


def _add(app: str, nouns: list[str], column: str, definition: str, field: models.Field) -> Operation:  # type: ignore[type-arg]  # any
    """Add a column first and its default after it.

    Given with it, PostgreSQL would compute it for every row there is, in a new copy of the table.
    """
    kind, _, default = definition.partition(" DEFAULT ")

    def add(_: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
        # Each by itself: together they would wait for every writer there is, in another order.
        for noun in nouns:
            execute_beside_writers(
                schema_editor,
                f"{app}_{noun}",
                f"ALTER TABLE {app}_{noun} ADD COLUMN IF NOT EXISTS {column} {kind};"
                f"ALTER TABLE {app}_{noun} ALTER COLUMN {column} SET DEFAULT {default};",
            )

    undo = "".join(f"ALTER TABLE {app}_{noun} DROP COLUMN {column};" for noun in nouns)
    return migrations.SeparateDatabaseAndState(
        database_operations=[
            migrations.RunPython(add, migrations.RunPython.noop),
            migrations.RunSQL(migrations.RunSQL.noop, undo),
        ],
        state_operations=[migrations.AddField(noun, column, field) for noun in nouns],
    )
