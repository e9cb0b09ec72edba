from django.db import migrations, models

from evidence.live_operations import Live


class Migration(migrations.Migration):
    """Which opened page saved a reviewer's draft last."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0047_last_use_of_tokens")]

    operations = [
        Live(
            migrations.AddField(
                model_name="reviewdraft",
                name="written_in",
                field=models.CharField(blank=True, db_default="", default="", max_length=36),
            )
        )
    ]
