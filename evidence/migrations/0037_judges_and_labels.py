import django.db.models.deletion
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live

KINDS = [
    "model", "prompt", "index", "document", "dataset", "suite", "evaluator", "judge", "policy", "tool", "gate",
    "requirement", "criterion", "sae", "detector", "probe", "probe_inputs", "safety_case", "reading",
]  # fmt: skip


class Migration(migrations.Migration):
    """A metric names the judge that gave it, and people label answers of a run; scores of before name no judge."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0036_protected_environments")]

    operations = [
        migrations.AlterField(
            model_name="artefact",
            name="kind",
            field=models.CharField(
                choices=[(kind, kind.replace("_", " ").title()) for kind in KINDS], max_length=20
            ),
        ),
        Live(migrations.AddField(
            model_name="evalscore",
            name="judge",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.artefactversion"
            ),
        )),
        Live(migrations.CreateModel(
            name="LabelSet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("xact_id", models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ("digest", models.CharField(max_length=64)),
                ("labelled_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("run", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="label_sets", to="evidence.evalrun")),
            ],
            options={"abstract": False},
        )),
        Live(migrations.CreateModel(
            name="Label",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("xact_id", models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ("sample_id", models.CharField(max_length=200)),
                ("metric", models.CharField(max_length=200)),
                ("value", models.FloatField(null=True)),
                ("label_set", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="labels", to="evidence.labelset")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("label_set", "metric", "sample_id"), name="evidence_label_once")]},
        )),
    ]
