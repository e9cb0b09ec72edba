from django.db import migrations, models

from evidence.live_operations import Live


class Migration(migrations.Migration):
    """A draft says whether it is to become a review, or how a disagreement is settled."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0041_review_queue")]

    operations = [
        Live(migrations.AddField("reviewdraft", "stage", models.CharField(choices=[("judge", "Judge"), ("settle", "Settle")], db_default="judge", max_length=10))),
    ]  # fmt: skip
