import django.db.models.deletion
from django.db import migrations, models

from evidence.live_operations import Live

KINDS = [
    "model", "prompt", "index", "document", "dataset", "suite", "evaluator", "judge", "policy", "tool", "gate", "requirement",
    "criterion", "sae", "detector", "probe", "probe_inputs", "safety_case", "reading", "reasons",
]  # fmt: skip


class Migration(migrations.Migration):
    """A draft says whether it is to become a review, or how a disagreement is settled; a review, which reason of the system's own list it gives."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0041_review_queue")]

    operations = [
        migrations.AlterField("artefact", "kind", models.CharField(choices=[(kind, kind.replace("_", " ").title()) for kind in KINDS], max_length=20)),
        Live(migrations.AddField("reviewdraft", "stage", models.CharField(choices=[("judge", "Judge"), ("settle", "Settle")], db_default="judge", max_length=10))),
        Live(migrations.AddField("review", "reason", models.CharField(blank=True, db_default="", max_length=30))),
        Live(migrations.AddField("review", "reasons_version", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.artefactversion"))),
    ]  # fmt: skip
