import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live


class Migration(migrations.Migration):
    """Whom of a provider each person is, for single sign-on."""

    atomic = False  # each step by itself, beside writers

    dependencies = [
        ("evidence", "0027_witnesses"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        Live(migrations.CreateModel(
            name="SignInBinding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("xact_id", models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ("issuer", models.CharField(max_length=255)),
                ("subject_digest", models.CharField(blank=True, max_length=64)),
                ("bound_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="sign_in_bindings", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "indexes": [models.Index(fields=["subject_digest"], name="evidence_signinbinding_subject")],
            },
        )),
    ]
