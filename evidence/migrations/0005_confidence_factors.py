from django.db import migrations


class Migration(migrations.Migration):
    """What an application declares of its own confidence is no confidence of an interval: a name of its own."""

    dependencies = [("evidence", "0004_drop_redundant_indexes")]
    operations = [migrations.RenameField("trace", "confidence", "confidence_factors")]
