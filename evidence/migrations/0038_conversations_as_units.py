from django.db import migrations, models

from evidence.live_operations import Live


class Migration(migrations.Migration):
    """Traces of one conversation are one unit of what is counted; those of before stand for themselves, as they did."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0037_judges_and_labels")]

    operations = [Live(migrations.AddField("tracefacts", "conversation", models.UUIDField(null=True)))]
