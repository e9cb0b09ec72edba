from django.db import migrations, models

from evidence.live_operations import Live


class Migration(migrations.Migration):
    """Rows from before are taken to count reviews: what is not known is kept from those whom it could lead."""

    atomic = False  # it commits with its step

    dependencies = [("requirements", "0003_bound_confidence")]
    operations = [
        Live(migrations.AddField(
            "assessment", "counts_reviews", models.BooleanField(default=True), preserve_default=False
        )),
    ]
