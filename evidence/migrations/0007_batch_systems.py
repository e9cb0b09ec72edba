import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

from evidence.live_operations import BuildIndex, execute_beside_writers

# Old rows begin with a system that nobody is of: shown to nobody until it is known whose items they held. The default
# stays, because servers of before go on writing requests without the column until they are replaced.
COLUMN = """
ALTER TABLE evidence_ingestbatch ADD COLUMN IF NOT EXISTS system_ids bigint[] NOT NULL DEFAULT '{0}';
"""

# Whose items an old request held was not written down. They were of its token's systems, so it is shown to those who
# have them all. A new column of old rows is filled here, once, a few rows at a time; the trigger that keeps rows as they
# are is back in the same transaction.
FILL = """
ALTER TABLE evidence_ingestbatch DISABLE TRIGGER USER;
UPDATE evidence_ingestbatch AS batch SET system_ids = ARRAY(
    SELECT system_id FROM evidence_accesstoken_systems WHERE accesstoken_id = batch.token_id ORDER BY system_id
) WHERE id > {after} AND id <= {after} + {step} AND system_ids = '{{0}}';
ALTER TABLE evidence_ingestbatch ENABLE TRIGGER USER;
"""
STEP = 2_000  # rows that writers may have to wait for


def fill(apps, schema_editor):
    """Say of old requests of which systems they held items."""
    execute_beside_writers(schema_editor, "evidence_ingestbatch", COLUMN)
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM evidence_ingestbatch WHERE system_ids = '{0}'")
        first, last = cursor.fetchone()
    for after in range((first or 1) - 1, last or 0, STEP):
        execute_beside_writers(schema_editor, "evidence_ingestbatch", FILL.format(after=after, step=STEP))


def drop(apps, schema_editor):
    """Undo that."""
    schema_editor.execute("ALTER TABLE evidence_ingestbatch DROP COLUMN system_ids")


class Migration(migrations.Migration):
    """A request says of which systems it held items, so that it is shown to those alone who may see them all."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0006_counts_reviews")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(fill, drop)],
            state_operations=[
                migrations.AddField(
                    model_name="ingestbatch",
                    name="system_ids",
                    field=django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                    preserve_default=False,
                ),
            ],
        ),
        BuildIndex(
            model_name="ingestbatch",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["system_ids"], name="evidence_ingestbatch_systems"
            ),
        ),
    ]
