import django.contrib.postgres.fields
from django.db import migrations, models

from evidence.live_operations import Live


class Migration(migrations.Migration):
    """A request keeps which values it moved out of rows."""

    atomic = False
    dependencies = [("evidence", "0015_erasures_scope")]
    operations = [
        Live(
            migrations.AddField(
                model_name="ingestbatch",
                name="moved",
                field=django.contrib.postgres.fields.ArrayField(
                    base_field=models.CharField(max_length=64), null=True, size=None
                ),
            )
        ),
    ]
