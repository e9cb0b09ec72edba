from django.db import migrations, models

from evidence.live_operations import Live


class Migration(migrations.Migration):
    """When a token was used last, and for what."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0046_gold_answers")]

    operations = [
        Live(
            migrations.AddField(
                model_name="accesstoken",
                name="last_used_at",
                field=models.DateTimeField(null=True),
            )
        ),
        Live(
            migrations.AddField(
                model_name="accesstoken",
                name="last_used_for",
                field=models.CharField(blank=True, db_default="", default="", max_length=200),
            )
        ),
    ]
