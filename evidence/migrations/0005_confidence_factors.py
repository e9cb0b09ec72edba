from django.db import migrations

from evidence.live_operations import Live


class Migration(migrations.Migration):
    """What an application declares of its own confidence is no confidence of an interval: a name of its own."""

    atomic = False  # it commits with its step

    dependencies = [("evidence", "0004_drop_redundant_indexes")]
    operations = [Live(migrations.RenameField("trace", "confidence", "confidence_factors"))]
