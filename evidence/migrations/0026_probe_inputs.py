from django.db import migrations, models

KINDS = [
    "model", "prompt", "index", "document", "dataset", "suite", "evaluator", "policy", "tool", "gate", "requirement",
    "criterion", "sae", "detector", "probe", "probe_inputs", "safety_case",
]  # fmt: skip


class Migration(migrations.Migration):
    """Prompts that probes read have a kind of their own, which is one of the internals. The table stays as it is."""

    dependencies = [("evidence", "0025_second_factors")]
    operations = [
        migrations.AlterField(
            model_name="artefact",
            name="kind",
            field=models.CharField(
                choices=[(kind, kind.replace("_", " ").title()) for kind in KINDS], max_length=20
            ),
        )
    ]
