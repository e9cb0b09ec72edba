from django.db import migrations


class Migration(migrations.Migration):
    """A bound's confidence is one-sided, that of an interval two-sided: docs/decisions/0012-one-sided-bounds.md."""

    dependencies = [("requirements", "0002_criterion_identity_is_shared")]
    operations = [
        migrations.RenameField("acceptancecriterion", "confidence", "bound_confidence"),
        migrations.RenameField("assessment", "confidence", "bound_confidence"),
    ]
