from django.db import migrations, models

from evidence.live_operations import Live


class Migration(migrations.Migration):
    """A waiting trace keeps when a worker last began it."""

    atomic = False
    dependencies = [("evidence", "0018_span_digest_default")]
    operations = [Live(migrations.AddField("pendingtrace", "tried_at", models.DateTimeField(null=True)))]
