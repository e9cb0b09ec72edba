import django.db.models.deletion
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live


class Migration(migrations.Migration):
    """A deployment says why it could be recorded, and by which decisions; nobody looked at those of before."""

    atomic = False  # each step by itself, beside writers

    dependencies = [
        ('evidence', '0035_asked_by_one_granted_by_another'),
    ]

    operations = [
        Live(migrations.AddField(
            model_name='deployment',
            name='basis',
            field=models.CharField(choices=[('unchecked', 'Unchecked'), ('open', 'Open'), ('decision', 'Decision'), ('rollback', 'Rollback')], db_default='unchecked', max_length=10),
        )),
        Live(migrations.AddField(
            model_name='deployment',
            name='reason',
            field=models.TextField(blank=True, db_default=''),
        )),
        Live(migrations.AddField(
            model_name='deployment',
            name='replaces',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replaced_by', to='evidence.deployment'),
        )),
        Live(migrations.AddField(
            model_name='deployment',
            name='restores',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='restored_by', to='evidence.deployment'),
        )),
        Live(migrations.CreateModel(
            name='Admission',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('xact_id', models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ('counts_reviews', models.BooleanField()),
                ('as_of', models.DateTimeField()),
                ('verdict', models.CharField(choices=[('pass', 'Pass'), ('fail', 'Fail'), ('insufficient', 'Insufficient')], max_length=15)),
                ('unmet', models.JSONField(default=list)),
                ('inputs_digest', models.CharField(max_length=64)),
                ('code_version', models.CharField(max_length=100)),
                ('decision', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='admissions', to='evidence.gatedecision')),
                ('deployment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='admissions', to='evidence.deployment')),
                ('gate_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='admissions', to='evidence.artefactversion')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='admissions', to='evidence.release')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('deployment', 'gate_version'), name='evidence_admission_once')],
            },
        )),
    ]
