import django.db.models.deletion
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live

KINDS = [
    "model", "prompt", "index", "document", "dataset", "suite", "evaluator", "policy", "tool", "gate", "requirement",
    "criterion", "sae", "detector", "probe", "probe_inputs", "safety_case", "reading",
]  # fmt: skip


class Migration(migrations.Migration):
    """Systems say how their traces are read: versions of that are approved, and stored traces are read again by them."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0031_service_names")]

    operations = [
        migrations.AlterField(
            model_name="artefact",
            name="kind",
            field=models.CharField(
                choices=[(kind, kind.replace("_", " ").title()) for kind in KINDS], max_length=20
            ),
        ),
        Live(migrations.AddField(
            model_name='pendingtrace',
            name='read_again',
            field=models.BooleanField(db_default=False, default=False),
        )),
        Live(migrations.CreateModel(
            name='ReadingTransition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('xact_id', models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ('to_state', models.CharField(choices=[('proposed', 'Proposed'), ('approved', 'Approved'), ('declined', 'Declined'), ('withdrawn', 'Withdrawn')], max_length=15)),
                ('by', models.CharField(max_length=200)),
                ('reason', models.TextField(blank=True)),
                ('at', models.DateTimeField()),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reading_transitions', to='evidence.artefactversion')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('to_state', 'approved')), fields=('version',), name='evidence_readingtransition_approved_once')],
            },
        )),
    ]
