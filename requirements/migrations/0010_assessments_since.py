from django.db import migrations, models

from evidence.live_operations import BuildIndex


class Migration(migrations.Migration):
    """Which assessments came since a page was made, without reading those of before."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("requirements", "0009_assessment_watch")]

    operations = [
        BuildIndex(
            model_name="assessment",
            index=models.Index(fields=["xact_id"], name="requirements_assessment_since"),
        ),
    ]
