from django.db import migrations, models

from evidence.live_operations import Live


class Migration(migrations.Migration):
    """A set of labels says what it was made from: all of before were said on a label sheet."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0042_settled_at_the_desk")]

    operations = [
        Live(migrations.AddField("labelset", "made_from", models.CharField(choices=[("sheet", "Sheet"), ("decisions", "Decisions"), ("claims", "Claims")], db_default="sheet", max_length=10))),
    ]  # fmt: skip
