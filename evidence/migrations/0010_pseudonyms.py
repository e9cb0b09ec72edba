import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

import evidence.models.base
import evidence.models.person
from evidence.live_operations import Live

# Tokens keep their prefix and owner by a trigger of `evidence.table_rules`.
UNDO = """
DROP TRIGGER IF EXISTS tracebinder_keep_token ON evidence_accesstoken;
DROP FUNCTION IF EXISTS tracebinder_keep_token();
"""


class Migration(migrations.Migration):
    """What the record calls people, apart from what their accounts are called."""

    atomic = False  # each step by itself, beside writers

    dependencies = [
        ("evidence", "0009_span_identity"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        Live(migrations.CreateModel(
            name="Pseudonym",
            fields=[
                ("xact_id", models.BigIntegerField(null=True, editable=False, db_default=evidence.models.base.CurrentXactId())),
                ("actor", models.CharField(default=evidence.models.person.new_pseudonym, max_length=27, primary_key=True, serialize=False)),
                ("formerly", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("user", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="pseudonym", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(condition=~Q(formerly=""), fields=["formerly"], name="evidence_pseudonym_formerly_once"),
                    models.CheckConstraint(condition=Q(actor__regex="^person:[a-z2-7]{20}$"), name="evidence_pseudonym_form"),
                ],
            },
        )),
        migrations.RunSQL(migrations.RunSQL.noop, UNDO),
    ]
