import django.db.models.deletion
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live

REMARKS = [
    "edited", "invalidated", "limited", "unfinished", "flaky", "dirty", "total_differs", "not_asserted", "ambiguous",
    "errored", "many_values", "skipped", "direction_assumed", "unread", "more",
]  # fmt: skip
STATUSES = ["success", "error", "cancelled", "started"]
XACT_ID = models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)
KEY = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


def _named(values: list[str]) -> list[tuple[str, str]]:
    return [(value, value.replace("_", " ").title()) for value in values]


class Migration(migrations.Migration):
    """What a runner says beside its samples: its own totals, remarks, seeds. Runs of before say nothing of it."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0038_conversations_as_units")]

    operations = [
        migrations.AlterField(
            "evalrun", "status", models.CharField(choices=_named(STATUSES), max_length=10)
        ),
        Live(migrations.AddField("evalrun", "measurement", models.CharField(blank=True, db_default="", max_length=200))),
        Live(migrations.AddField("evalrun", "model", models.CharField(blank=True, db_default="", max_length=200))),
        Live(migrations.AddField("evalrun", "dirty", models.BooleanField(null=True))),
        Live(migrations.AddField("evalrun", "ci_url", models.CharField(blank=True, db_default="", max_length=500))),
        Live(migrations.AddField("evalrun", "seeds", models.JSONField(null=True))),
        Live(migrations.AddField("evalrun", "said_by_poster", models.JSONField(null=True))),
        Live(migrations.CreateModel(
            name="EvalTotal",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("metric", models.CharField(max_length=200)),
                ("name", models.CharField(max_length=200)),
                ("reducer", models.CharField(blank=True, max_length=100)),
                ("stated", models.FloatField(null=True)),
                ("stated_n", models.PositiveIntegerField(null=True)),
                ("computed", models.FloatField(null=True)),
                ("differs", models.BooleanField()),
                ("run", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="totals", to="evidence.evalrun")),
            ],
            options={"abstract": False},
        )),
        Live(migrations.CreateModel(
            name="EvalRemark",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("code", models.CharField(choices=_named(REMARKS), max_length=20)),
                ("detail", models.TextField()),
                ("sample_id", models.CharField(blank=True, max_length=200)),
                ("run", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="remarks", to="evidence.evalrun")),
            ],
            options={"abstract": False},
        )),
    ]  # fmt: skip
