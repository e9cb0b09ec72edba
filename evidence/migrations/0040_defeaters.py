import django.db.models.deletion
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live

XACT_ID = models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)
KEY = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
KINDS = ["rebutted", "mitigated", "accepted", "reopened"]


class Migration(migrations.Migration):
    """What counters opens a doubt, and people answer it. Those of what countered before are opened by the beat, as it finds them."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0039_what_runners_say")]

    operations = [
        Live(migrations.CreateModel(
            name="Defeater",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("opened_at", models.DateTimeField()),
                ("evidence", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="defeater", to="evidence.evidence")),
                ("release", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="defeaters", to="evidence.release")),
            ],
            options={"verbose_name": "doubt"},
        )),
        Live(migrations.CreateModel(
            name="DefeaterAnswer",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("kind", models.CharField(choices=[(kind, kind.title()) for kind in KINDS], max_length=10)),
                ("words", models.TextField()),
                ("answered_by", models.CharField(max_length=200)),
                ("expires_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("defeater", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="evidence.defeater")),
                ("replaces", models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="replaced_by", to="evidence.defeateranswer")),
            ],
            options={"verbose_name": "answer to a doubt", "verbose_name_plural": "answers to doubts", "constraints": [
                models.UniqueConstraint(condition=models.Q(("replaces", None)), fields=("defeater",), name="evidence_defeateranswer_first_once"),
                models.CheckConstraint(condition=models.Q(("expires_at", None), ("kind", "accepted"), _connector="OR"), name="evidence_defeateranswer_only_acceptance_ends"),
                models.CheckConstraint(condition=models.Q(models.Q(("kind", "reopened"), _negated=True), ("replaces__isnull", False), _connector="OR"), name="evidence_defeateranswer_reopens_an_answer"),
            ]},
        )),
    ]  # fmt: skip
