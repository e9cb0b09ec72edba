from django.db import migrations, models

from evidence.live_operations import AddCheck


class Migration(migrations.Migration):
    """Only a finding whose second seed was judged the same is stored as replicated."""

    atomic = False
    dependencies = [("interpret", "0006_history")]
    operations = [
        AddCheck(
            "finding",
            models.CheckConstraint(
                name="interpret_finding_replicated",
                condition=~models.Q(rung="replicated")
                | models.Q(status="supported", verdict__second="supported"),
            ),
        )
    ]
