import django.db.models.deletion
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live


class Migration(migrations.Migration):
    """Which services are part of a system is declared, on record."""

    atomic = False  # each step by itself, beside writers

    dependencies = [
        ('evidence', '0030_traces_by_given_ids'),
    ]

    operations = [
        Live(migrations.CreateModel(
            name='ServiceName',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('xact_id', models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ('name', models.CharField(max_length=200)),
                ('is_part', models.BooleanField()),
                ('declared_by', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('system', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='service_names', to='evidence.system')),
            ],
            options={
                'indexes': [models.Index(fields=['name', 'system', '-id'], name='evidence_servicename_latest')],
            },
        )),
    ]
