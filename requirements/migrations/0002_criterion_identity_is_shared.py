import django.db.models.deletion
from django.db import migrations, models

from evidence.live_operations import build_index, execute_beside_writers

TABLE, COLUMN = "requirements_acceptancecriterion", "artefact_version_id"
INDEX = "requirements_acceptancecriterion_artefact_version_id_7f13994e"  # as Django calls it
ONE_EACH = """
DO $$ BEGIN
    EXECUTE (
        SELECT coalesce(string_agg(format('ALTER TABLE %I DROP CONSTRAINT %I', conrelid::regclass, conname), ';'), 'SELECT')
        FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype = 'u' AND conkey = ARRAY[(
            SELECT attnum FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attname = '{column}')]
    );
END $$
"""


def share(apps, schema_editor):
    """Let several criteria be of one version. AlterField would drop the foreign key, too, and make it anew."""
    build_index(schema_editor, f'"{INDEX}"', f'CREATE INDEX CONCURRENTLY "{INDEX}" ON {TABLE} ({COLUMN})')
    execute_beside_writers(schema_editor, TABLE, ONE_EACH.format(table=TABLE, column=COLUMN))


class Migration(migrations.Migration):
    atomic = False  # the index is built beside writers

    dependencies = [("evidence", "0001_initial"), ("requirements", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(share, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField(
                    model_name="acceptancecriterion",
                    name="artefact_version",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="criteria",
                        to="evidence.artefactversion",
                    ),
                ),
            ],
        ),
    ]
