import django.db.models.deletion
from django.db import migrations, models

from evidence.live_operations import BuildIndex, Live


class Migration(migrations.Migration):
    """A trace that ends its workers is counted, and a binder that is asked for is a row."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0011_people_of_before")]
    operations = [
        Live(migrations.AddField(
            model_name="pendingtrace",
            name="attempts",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        )),
        BuildIndex(
            model_name="pendingtrace",
            index=models.Index(
                condition=models.Q(("attempts__gt", 0)),
                fields=["attempts", "last_received_at"],
                name="evidence_pendingtrace_tried",
            ),
        ),
        Live(migrations.CreateModel(
            name='BinderRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('binder_uuid', models.UUIDField()),
                ('baseline', models.CharField(blank=True, max_length=100)),
                ('period_from', models.DateTimeField()),
                ('period_to', models.DateTimeField()),
                ('as_of', models.DateTimeField()),
                ('as_of_was_now', models.BooleanField()),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='queued', max_length=10)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('lease_until', models.DateTimeField(null=True)),
                ('worker', models.CharField(blank=True, max_length=200)),
                ('n_files', models.PositiveIntegerField(default=0)),
                ('n_bytes', models.BigIntegerField(default=0)),
                ('error', models.TextField(blank=True)),
                ('requested_by', models.CharField(max_length=200)),
                ('queued_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('binder', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='evidence.binder')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='binder_requests', to='evidence.release')),
                ('system', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='binder_requests', to='evidence.system')),
            ],
            options={
                'indexes': [models.Index(fields=['binder_uuid'], name='evidence_binderrequest_binder'), models.Index(condition=models.Q(('state__in', ['queued', 'running'])), fields=['queued_at'], name='evidence_binderrequest_pending')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ['queued', 'running'])), fields=('system', 'binder_uuid'), name='evidence_binderrequest_one_pending')],
            },
        )),
    ]
