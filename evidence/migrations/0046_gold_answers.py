import django.contrib.postgres.functions
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live

XACT_ID = models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)
SALT = models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID(), editable=False, null=True)
COMMITMENT = models.CharField(editable=False, max_length=64, null=True)
KEY = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
DECISIONS = [(each, each.title()) for each in ("approve", "override", "reject", "escalate")]
REASONS = [("", "no reason needed")] + [
    (each, each.replace("_", " ").title())
    for each in (
        "wrong_fact", "unsupported_claim", "wrong_citation", "missing_limitation", "policy_breach",
        "unfair_treatment", "unclear", "other",
    )
]  # fmt: skip
PROTECT = django.db.models.deletion.PROTECT


class Migration(migrations.Migration):
    """Gold answers: what is right of one, the draws that give it to reviewers, and what they say of it."""

    atomic = False  # each step by itself, beside writers

    dependencies = [
        ("evidence", "0045_sampling_plans"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        Live(migrations.CreateModel(
            name="GoldAnswer",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("payload_salt", SALT),
                ("payload_commitment", COMMITMENT),
                ("number", models.PositiveSmallIntegerField()),
                ("right", models.JSONField()),
                ("rationale", models.TextField()),
                ("is_withdrawn", models.BooleanField(default=False)),
                ("made_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("task", models.ForeignKey(on_delete=PROTECT, related_name="+", to="evidence.reviewtask")),
            ],
            options={"constraints": [
                models.UniqueConstraint(fields=("task", "number"), name="evidence_goldanswer_number"),
                models.CheckConstraint(
                    condition=models.Q(models.Q(("is_withdrawn", True), ("right", [])), models.Q(("is_withdrawn", False), models.Q(("right", []), _negated=True)), _connector="OR"),
                    name="evidence_goldanswer_right_unless_withdrawn",
                ),
            ]},
        )),
        Live(migrations.CreateModel(
            name="GoldDraw",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("number", models.PositiveIntegerField()),
                ("among", models.JSONField()),
                ("reviews_before", models.PositiveIntegerField()),
                ("seed", models.CharField(max_length=64)),
                ("every", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField()),
                ("gold", models.ForeignKey(null=True, on_delete=PROTECT, related_name="+", to="evidence.goldanswer")),
                ("reviewer", models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("system", models.ForeignKey(on_delete=PROTECT, related_name="+", to="evidence.system")),
            ],
            options={"constraints": [
                models.UniqueConstraint(fields=("system", "reviewer", "number"), name="evidence_golddraw_number"),
                models.CheckConstraint(
                    condition=models.Q(models.Q(("gold__isnull", True), ("number", 0)), models.Q(("gold__isnull", False), ("number__gt", 0)), _connector="OR"),
                    name="evidence_golddraw_first_draws_none",
                ),
            ]},
        )),
        Live(migrations.CreateModel(
            name="GoldTask",
            fields=[
                ("task", models.OneToOneField(on_delete=PROTECT, primary_key=True, related_name="+", serialize=False, to="evidence.reviewtask")),
                ("draw", models.OneToOneField(on_delete=PROTECT, related_name="+", to="evidence.golddraw")),
                ("reviewer", models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
        )),
        Live(migrations.CreateModel(
            name="GoldJudgement",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("payload_salt", SALT),
                ("payload_commitment", COMMITMENT),
                ("decision", models.CharField(choices=DECISIONS, max_length=10)),
                ("reason_code", models.CharField(blank=True, choices=REASONS, max_length=30)),
                ("reason", models.CharField(blank=True, max_length=30)),
                ("rationale", models.TextField(blank=True)),
                ("corrected_answer", models.TextField(blank=True)),
                ("claims", models.JSONField()),
                ("machine_verdict", models.JSONField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("draw", models.OneToOneField(on_delete=PROTECT, related_name="judgement", to="evidence.golddraw")),
                ("reasons_version", models.ForeignKey(null=True, on_delete=PROTECT, related_name="+", to="evidence.artefactversion")),
                ("reviewer", models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("task", models.ForeignKey(on_delete=PROTECT, related_name="+", to="evidence.reviewtask")),
            ],
            options={"constraints": [
                models.UniqueConstraint(fields=("task", "reviewer"), name="evidence_goldjudgement_one_per_person"),
            ]},
        )),
    ]  # fmt: skip
