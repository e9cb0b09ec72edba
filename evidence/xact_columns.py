"""How a migration gives tables their `xact_id`, without rewriting them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from evidence.models.base import CurrentXactId


def add_xact_id(app: str, nouns: Iterable[str]) -> Operation:
    """Return the operation for some models of an app.

    The default comes after the column: given with it, PostgreSQL would compute it for every row there is, in a new copy
    of the table, and say of each that this migration wrote it.
    """
    nouns = list(nouns)
    sql = "".join(
        f"ALTER TABLE {app}_{noun} ADD COLUMN xact_id bigint;"
        f"ALTER TABLE {app}_{noun} ALTER COLUMN xact_id SET DEFAULT tracebinder_xact_id();"
        for noun in nouns
    )
    undo = "".join(f"ALTER TABLE {app}_{noun} DROP COLUMN xact_id;" for noun in nouns)
    field = models.BigIntegerField(null=True, editable=False, db_default=CurrentXactId())
    return migrations.SeparateDatabaseAndState(
        database_operations=[migrations.RunSQL(sql, undo)],
        state_operations=[migrations.AddField(noun, "xact_id", field) for noun in nouns],
    )
