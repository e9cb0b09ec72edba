from django.db import migrations, models

from evidence.live_operations import BuildIndex


class Migration(migrations.Migration):
    """Which versions and runs came since a page was made, without reading those of before."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0048_page_of_a_draft")]

    operations = [
        BuildIndex(
            model_name="artefactversion",
            index=models.Index(fields=["xact_id"], name="evidence_artefactversion_since"),
        ),
        BuildIndex(
            model_name="evalrun", index=models.Index(fields=["xact_id"], name="evidence_evalrun_since")
        ),
    ]
