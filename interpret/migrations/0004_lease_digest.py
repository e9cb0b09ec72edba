from django.db import migrations, models

from evidence.live_operations import Live


class Migration(migrations.Migration):
    """A claimed run keeps the digest of the key that ends it. Servers of before leave it empty."""

    atomic = False
    dependencies = [("interpret", "0003_one_clock"), ("evidence", "0026_probe_inputs")]
    operations = [
        Live(
            migrations.AddField(
                "proberun", "lease_digest", models.CharField(blank=True, db_default="", max_length=64)
            )
        )
    ]
