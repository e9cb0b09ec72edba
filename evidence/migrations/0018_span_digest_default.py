from django.db import migrations

from evidence.live_operations import execute_beside_writers


def default_to_old_format(apps, schema_editor):
    """Where migration 0008 ran as it was first, the default is 2."""
    execute_beside_writers(
        schema_editor, "evidence_span", "ALTER TABLE evidence_span ALTER COLUMN digest_format SET DEFAULT 1"
    )


class Migration(migrations.Migration):
    """A span whose writer does not say how it was digested was written by a server that did it the old way."""

    atomic = False  # it commits with its step

    dependencies = [("evidence", "0017_rotations")]
    operations = [migrations.RunPython(default_to_old_format, migrations.RunPython.noop)]
