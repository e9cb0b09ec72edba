from django.db import migrations

from evidence.added_columns import add_xact_id

NOUNS = ["requirement", "requirementversion", "requirementtransition", "acceptancecriterion", "tracelink", "baseline", "baselinemember", "assessment"]


class Migration(migrations.Migration):
    """Each row carries the transaction that wrote it."""

    atomic = False  # each table by itself, beside writers

    dependencies = [("requirements", "0004_counts_reviews"), ("evidence", "0008_one_clock")]
    operations = [add_xact_id(NOUNS)]
