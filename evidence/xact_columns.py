"""How a migration gives tables their `xact_id`, without rewriting them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation

from evidence.live_operations import execute_beside_writers
from evidence.models.base import CurrentXactId


def add_xact_id(app: str, nouns: Iterable[str]) -> Operation:
    """Return the operation for some models of an app, in a migration that is not atomic.

    The default comes after the column: given with it, PostgreSQL would compute it for every row there is, in a new copy
    of the table, and say of each that this migration wrote it.
    """
    nouns = list(nouns)

    def add(_: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
        # Each by itself: together they would wait for every writer there is, in another order.
        for noun in nouns:
            execute_beside_writers(
                schema_editor,
                f"{app}_{noun}",
                f"ALTER TABLE {app}_{noun} ADD COLUMN IF NOT EXISTS xact_id bigint;"
                f"ALTER TABLE {app}_{noun} ALTER COLUMN xact_id SET DEFAULT tracebinder_xact_id();",
            )

    undo = "".join(f"ALTER TABLE {app}_{noun} DROP COLUMN xact_id;" for noun in nouns)
    field = models.BigIntegerField(null=True, editable=False, db_default=CurrentXactId())
    return migrations.SeparateDatabaseAndState(
        database_operations=[
            migrations.RunPython(add, migrations.RunPython.noop),
            migrations.RunSQL(migrations.RunSQL.noop, undo),
        ],
        state_operations=[migrations.AddField(noun, "xact_id", field) for noun in nouns],
    )
