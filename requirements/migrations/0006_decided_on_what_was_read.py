import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live


class Migration(migrations.Migration):
    """Transitions say what was read, and a retirement is asked by one and granted by another; older ones say nothing."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("requirements", "0005_one_clock")]

    operations = [
        Live(migrations.AddField(
            model_name="requirementversion",
            name="fingerprint",
            field=models.CharField(blank=True, db_default="", max_length=64),
        )),
        Live(migrations.AddField(
            model_name="requirementtransition",
            name="change",
            field=models.CharField(
                blank=True,
                choices=[("substantive", "Substantive"), ("editorial", "Editorial")],
                db_default="",
                max_length=15,
            ),
        )),
        Live(migrations.AddField(
            model_name="requirementtransition",
            name="fingerprint",
            field=models.CharField(blank=True, db_default="", max_length=64),
        )),
        Live(migrations.AddField(
            model_name="requirementtransition",
            name="warnings_read",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), null=True, size=None),
        )),
        Live(migrations.CreateModel(
            name="RetirementRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("xact_id", models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ("reason", models.TextField()),
                ("requested_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("standing", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="requirements.requirementtransition")),
                ("version", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="retirement_requests", to="requirements.requirementversion")),
            ],
            options={"abstract": False},
        )),
        Live(migrations.CreateModel(
            name="RetirementDismissal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("xact_id", models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ("outcome", models.CharField(choices=[("declined", "Declined"), ("withdrawn", "Withdrawn")], max_length=10)),
                ("dismissed_by", models.CharField(max_length=200)),
                ("reason", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("request", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="dismissal", to="requirements.retirementrequest")),
            ],
            options={"abstract": False},
        )),
        Live(migrations.AddField(
            model_name="requirementtransition",
            name="request",
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="retirement", to="requirements.retirementrequest"),
        )),
    ]  # fmt: skip
