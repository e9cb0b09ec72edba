import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live


class Migration(migrations.Migration):
    """What takes two operators is proposed by one and confirmed by another, on record."""

    atomic = False  # each step by itself, beside writers

    dependencies = [
        ('evidence', '0020_bound_rows'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        Live(migrations.CreateModel(
            name='AccessProposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('xact_id', models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ('role', models.CharField(blank=True, max_length=100)),
                ('proposed_by', models.CharField(max_length=200)),
                ('expires_at', models.DateTimeField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('system', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='access_proposals', to='evidence.system')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='access_proposals', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('role', ''), ('system__isnull', False)), models.Q(models.Q(('role', ''), _negated=True), ('system__isnull', True)), _connector='OR'), name='evidence_accessproposal_role_or_system')],
            },
        )),
        Live(migrations.CreateModel(
            name='AccessConfirmation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('xact_id', models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ('confirmed_by', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('proposal', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='confirmation', to='evidence.accessproposal')),
            ],
            options={
                'abstract': False,
            },
        )),
    ]
