from django.db import migrations

from evidence.added_columns import add_xact_id

NOUNS = ["probespec", "finding"]


class Migration(migrations.Migration):
    """Each row carries the transaction that wrote it."""

    atomic = False  # each table by itself, beside writers

    dependencies = [("interpret", "0002_pending_runs"), ("evidence", "0008_one_clock")]
    operations = [add_xact_id(NOUNS)]
