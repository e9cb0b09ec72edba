from django.db import migrations, models

from evidence.live_operations import build_index_of_partitions, execute_beside_writers

INDEX = "evidence_span_identity_of_system"
COLUMNS = "(trace_id, system_id, span_id, started_at)"


def build(apps, schema_editor):
    """Build the index while senders go on; the old one goes when the new one is whole."""
    build_index_of_partitions(
        schema_editor, table="evidence_span", index=INDEX, suffix="once", create="UNIQUE INDEX", on=COLUMNS
    )
    execute_beside_writers(
        schema_editor, "evidence_span", "ALTER TABLE evidence_span DROP CONSTRAINT IF EXISTS evidence_span_identity"
    )


class Migration(migrations.Migration):
    """A span is one of its system: what another system's token posts first is another span."""

    atomic = False  # indexes are built beside writers

    dependencies = [("evidence", "0008_one_clock")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(build)],
            state_operations=[
                migrations.RemoveConstraint("span", "evidence_span_identity"),
                migrations.AddConstraint(
                    "span",
                    models.UniqueConstraint(
                        fields=["trace_id", "system", "span_id", "started_at"], name=INDEX
                    ),
                ),
            ],
        )
    ]
