from django.db import migrations, models

from evidence.live_operations import BuildIndex


class Migration(migrations.Migration):
    """What assessments and exports look for is found without reading a whole table."""

    atomic = False  # indexes are built beside writers

    dependencies = [("evidence", "0012_work_rows")]
    operations = [
        BuildIndex(
            model_name="reject",
            index=models.Index(
                condition=models.Q(("source_ref", ""), _negated=True),
                fields=["system", "source", "source_ref"],
                name="evidence_reject_source",
            ),
        ),
        BuildIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("verb", "binder.sealed")),
                fields=["system", "object_digest"],
                name="evidence_auditevent_sealed",
            ),
        ),
    ]
