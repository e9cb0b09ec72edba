from django.db import migrations, models

INDEX = "evidence_span_identity_of_system"
COLUMNS = "(trace_id, system_id, span_id, started_at)"

PARTITIONS = """
SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
WHERE inhparent = 'evidence_span'::regclass AND NOT EXISTS (
    SELECT FROM pg_inherits AS attached JOIN pg_index ON indexrelid = attached.inhrelid
    WHERE attached.inhparent = to_regclass(%s) AND indrelid = child.oid)
ORDER BY 1
"""


def build(apps, schema_editor):
    """Build the index partition by partition while senders go on; the old one goes when the new one is whole."""
    with schema_editor.connection.cursor() as cursor:
        for partition in partitions_without(cursor):
            # Of a run that failed half-way: what it left may not be whole.
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {partition}_once")
            cursor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {partition}_once ON {partition} {COLUMNS}")
        cursor.execute(f"CREATE UNIQUE INDEX IF NOT EXISTS {INDEX} ON ONLY evidence_span {COLUMNS}")
        for partition in partitions_without(cursor):
            cursor.execute(f"CREATE UNIQUE INDEX IF NOT EXISTS {partition}_once ON {partition} {COLUMNS}")
            cursor.execute(f"ALTER INDEX {INDEX} ATTACH PARTITION {partition}_once")
        cursor.execute("ALTER TABLE evidence_span DROP CONSTRAINT IF EXISTS evidence_span_identity")


def partitions_without(cursor):
    """Return the partitions that the index does not reach yet."""
    cursor.execute(PARTITIONS, [INDEX])
    return [name for (name,) in cursor.fetchall()]


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
