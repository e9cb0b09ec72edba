import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

# Whose items an old request held was not written down. They were of its token's systems, so it is shown to those who
# have them all. A new column of old rows is filled here, once; the trigger that keeps rows as they are is back in the
# same transaction.
FILL = """
ALTER TABLE evidence_ingestbatch DISABLE TRIGGER USER;
UPDATE evidence_ingestbatch AS batch SET system_ids = ARRAY(
    SELECT system_id FROM evidence_accesstoken_systems WHERE accesstoken_id = batch.token_id ORDER BY system_id
);
ALTER TABLE evidence_ingestbatch ENABLE TRIGGER USER;
"""


class Migration(migrations.Migration):
    """A request says of which systems it held items, so that it is shown to those alone who may see them all."""

    dependencies = [("evidence", "0006_counts_reviews")]
    operations = [
        migrations.AddField(
            model_name="ingestbatch",
            name="system_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), default=list, size=None
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="ingestbatch",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["system_ids"], name="evidence_ingestbatch_systems"
            ),
        ),
    ]
