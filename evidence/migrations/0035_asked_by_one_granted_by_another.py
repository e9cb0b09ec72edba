import django.db.models.deletion
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live


class Migration(migrations.Migration):
    """Retractions and waivers are asked for by one person and granted by another; those of before stay as they are."""

    atomic = False  # each step by itself, beside writers

    dependencies = [
        ('evidence', '0034_verdict_reasons'),
    ]

    operations = [
        Live(migrations.CreateModel(
            name='RetractionRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('xact_id', models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ('reason', models.TextField()),
                ('requested_by', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='retraction_requests', to='evidence.evalrun')),
            ],
            options={
                'abstract': False,
            },
        )),
        Live(migrations.CreateModel(
            name='RetractionDismissal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('xact_id', models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ('outcome', models.CharField(choices=[('declined', 'Declined'), ('withdrawn', 'Withdrawn')], max_length=10)),
                ('dismissed_by', models.CharField(max_length=200)),
                ('reason', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('request', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='dismissal', to='evidence.retractionrequest')),
            ],
            options={
                'abstract': False,
            },
        )),
        Live(migrations.AddField(
            model_name='retraction',
            name='confirmed_by',
            field=models.CharField(blank=True, db_default='', max_length=200),
        )),
        Live(migrations.AddField(
            model_name='retraction',
            name='request',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='retraction', to='evidence.retractionrequest'),
        )),
        Live(migrations.CreateModel(
            name='WaiverRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('xact_id', models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ('criterion_ref', models.CharField(max_length=200)),
                ('reason', models.TextField()),
                ('requested_by', models.CharField(max_length=200)),
                ('expires_at', models.DateTimeField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('decision', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='waiver_requests', to='evidence.gatedecision')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='waiver_requests', to='evidence.release')),
            ],
            options={
                'abstract': False,
            },
        )),
        Live(migrations.CreateModel(
            name='WaiverDismissal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('xact_id', models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ('outcome', models.CharField(choices=[('declined', 'Declined'), ('withdrawn', 'Withdrawn')], max_length=10)),
                ('dismissed_by', models.CharField(max_length=200)),
                ('reason', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('request', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='dismissal', to='evidence.waiverrequest')),
            ],
            options={
                'abstract': False,
            },
        )),
        Live(migrations.AddField(
            model_name='waiver',
            name='request',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='waiver', to='evidence.waiverrequest'),
        )),
    ]
