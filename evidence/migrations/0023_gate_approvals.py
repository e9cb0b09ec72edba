import django.db.models.deletion
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live


class Migration(migrations.Migration):
    """Versions of gates are proposed and approved, and a registration says what it rests on: those of before, nothing."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0021_access_proposals")]

    operations = [
        Live(migrations.AddField(
            model_name='registration',
            name='basis',
            field=models.CharField(choices=[('adopted', 'Adopted'), ('act', 'Act'), ('approval', 'Approval')], db_default='adopted', max_length=10),
        )),
        Live(migrations.CreateModel(
            name='GateTransition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('xact_id', models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ('to_state', models.CharField(choices=[('proposed', 'Proposed'), ('approved', 'Approved'), ('declined', 'Declined'), ('withdrawn', 'Withdrawn'), ('adopted', 'Adopted')], max_length=15)),
                ('by', models.CharField(max_length=200)),
                ('reason', models.TextField(blank=True)),
                ('at', models.DateTimeField()),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='gate_transitions', to='evidence.artefactversion')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('to_state', 'approved')), fields=('version',), name='evidence_gatetransition_approved_once'), models.CheckConstraint(condition=models.Q(('to_state', 'adopted'), _negated=True), name='evidence_gatetransition_not_adopted')],
            },
        )),
    ]
