from django.db import migrations, models

from evidence.live_operations import AddCheck, Live

STATUSES = ["described", "supported", "not_supported", "inconclusive", "invalid"]


class Migration(migrations.Migration):
    """A finding keeps what its status came of; NULL in those of before, whose status stays as it was stored."""

    atomic = False
    dependencies = [("interpret", "0004_lease_digest")]
    operations = [
        Live(migrations.AddField("finding", "verdict", models.JSONField(null=True))),
        migrations.AlterField(  # its choices, of which the database knows nothing
            "finding",
            "status",
            models.CharField(
                max_length=15, choices=[(each, each.replace("_", " ").title()) for each in STATUSES]
            ),
        ),
        AddCheck(
            "finding",
            models.CheckConstraint(
                name="interpret_finding_nulls",
                condition=models.Q(verdict__isnull=True)
                | ~models.Q(status__in=["supported", "not_supported"])
                | models.Q(
                    verdict__has_key="differences",
                    verdict__differences__has_keys=["dead_model", "shuffled_order", "text_only"],
                ),
            ),
        ),
        AddCheck(
            "finding",
            models.CheckConstraint(
                name="interpret_finding_described",
                condition=models.Q(verdict__isnull=True)
                | ~models.Q(rung="descriptive")
                | models.Q(status="described"),
            ),
        ),
    ]
