from django.db import migrations, models

from evidence.live_operations import Live


class Migration(migrations.Migration):
    """A claimed run keeps how many runs on its model came before it; NULL in those of before."""

    atomic = False
    dependencies = [("interpret", "0005_verdicts")]
    operations = [
        Live(migrations.AddField("proberun", "runs_before", models.PositiveIntegerField(null=True))),
        Live(migrations.AddField("proberun", "found_before", models.PositiveIntegerField(null=True))),
    ]
