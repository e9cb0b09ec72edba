import django.db.models.deletion
from django.db import migrations, models

from evidence.live_operations import Live


class Migration(migrations.Migration):
    """When a criterion was last looked at for a release, so that new facts are assessed unasked."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0039_what_runners_say"), ("requirements", "0008_links_reviewed")]

    operations = [
        Live(migrations.CreateModel(
            name="AssessmentWatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("looked_at", models.DateTimeField(null=True)),
                ("wake_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("worker", models.CharField(blank=True, max_length=200)),
                ("criterion", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="watches", to="requirements.acceptancecriterion")),
                ("release", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="assessment_watches", to="evidence.release")),
            ],
            options={
                "verbose_name_plural": "assessment watches",
                "constraints": [models.UniqueConstraint(fields=("criterion", "release"), name="requirements_watch_once")],
            },
        )),
    ]
