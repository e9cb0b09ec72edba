from django.db import migrations

from evidence.live_operations import Live


class Migration(migrations.Migration):
    """A bound's confidence is one-sided, that of an interval two-sided: docs/decisions/0012-one-sided-bounds.md."""

    atomic = False  # each table by itself

    dependencies = [("requirements", "0002_criterion_identity_is_shared")]
    operations = [
        Live(migrations.RenameField("acceptancecriterion", "confidence", "bound_confidence")),
        Live(migrations.RenameField("assessment", "confidence", "bound_confidence")),
    ]
