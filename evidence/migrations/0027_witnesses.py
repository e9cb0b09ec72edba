import django.db.models.deletion
import evidence.models.base
from django.db import migrations, models

from evidence.live_operations import Live


class Migration(migrations.Migration):
    """What witnesses and a time-stamping authority say of a checkpoint."""

    atomic = False
    dependencies = [
        ('evidence', '0026_probe_inputs'),
    ]

    operations = [
        Live(migrations.CreateModel(
            name='CheckpointTimestamp',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('xact_id', models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ('authority', models.URLField()),
                ('response', models.BinaryField()),
                ('stamped_at', models.DateTimeField()),
                ('received_at', models.DateTimeField()),
                ('checkpoint', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='timestamps', to='evidence.checkpoint')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('checkpoint', 'authority'), name='evidence_checkpointtimestamp_one_an_authority')],
            },
        )),
        Live(migrations.CreateModel(
            name='Cosignature',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('xact_id', models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ('vkey', models.CharField(max_length=200)),
                ('line', models.TextField()),
                ('cosigned_at', models.DateTimeField()),
                ('received_at', models.DateTimeField()),
                ('checkpoint', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cosignatures', to='evidence.checkpoint')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('checkpoint', 'vkey'), name='evidence_cosignature_one_a_witness')],
            },
        )),
    ]
