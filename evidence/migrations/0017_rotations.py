from django.db import migrations, models

from evidence.live_operations import BuildIndex


class Migration(migrations.Migration):
    """The last replacement of the binder key is found without reading events."""

    atomic = False  # the index is built beside writers

    dependencies = [("evidence", "0016_moved_values")]
    operations = [
        BuildIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("verb", "binder_key.rotated")),
                fields=["id"],
                name="evidence_auditevent_rotated",
            ),
        ),
    ]
