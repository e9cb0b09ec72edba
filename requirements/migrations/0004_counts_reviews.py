from django.db import migrations, models


class Migration(migrations.Migration):
    """Rows from before are taken to count reviews: what is not known is kept from those whom it could lead."""

    dependencies = [("requirements", "0003_bound_confidence")]
    operations = [
        migrations.AddField(
            "assessment", "counts_reviews", models.BooleanField(default=True), preserve_default=False
        ),
    ]
