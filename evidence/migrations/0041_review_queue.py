import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live


class Migration(migrations.Migration):
    """What waits for reviewers has a row; reviewers judge claims, and whoever settles corrects. Tasks of before are put in by the beat, as it finds them."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0040_defeaters"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        Live(migrations.CreateModel(
            name="QueuedTask",
            fields=[
                ("task", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name="queued", serialize=False, to="evidence.reviewtask")),
                ("stage", models.CharField(choices=[("judge", "Judge"), ("settle", "Settle")], max_length=10)),
                ("risk_rank", models.PositiveSmallIntegerField()),
                ("due_at", models.DateTimeField()),
                ("held_until", models.DateTimeField(null=True)),
                ("held_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("system", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.system")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["system", "stage", "risk_rank", "due_at", "task"], name="evidence_queuedtask_order"),
                    models.Index(condition=models.Q(("held_by__isnull", False)), fields=["held_by"], name="evidence_queuedtask_held"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(models.Q(("held_by__isnull", True), ("held_until__isnull", True)), models.Q(("held_by__isnull", False), ("held_until__isnull", False)), _connector="OR"), name="evidence_queuedtask_held_until"),
                ],
            },
        )),
        Live(migrations.CreateModel(
            name="ClaimJudgement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("xact_id", models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ("judgement", models.CharField(choices=[("stands", "Stands"), ("does_not_stand", "Does Not Stand"), ("cannot_tell", "Cannot Tell")], max_length=20)),
                ("claim", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="judgements", to="evidence.claim")),
                ("review", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="claim_judgements", to="evidence.review")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("review", "claim"), name="evidence_claimjudgement_once")]},
        )),
        Live(migrations.AddField("adjudication", "corrected_answer", models.TextField(blank=True, db_default=""))),
        Live(migrations.CreateModel(
            name="ReviewDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("said", models.JSONField()),
                ("saved_at", models.DateTimeField()),
                ("takes_effect_at", models.DateTimeField(null=True)),
                ("refusal", models.TextField(blank=True)),
                ("reviewer", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("trace", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.trace")),
            ],
            options={
                "indexes": [models.Index(condition=models.Q(("takes_effect_at__isnull", False)), fields=["takes_effect_at"], name="evidence_reviewdraft_decided")],
                "constraints": [models.UniqueConstraint(fields=("trace", "reviewer"), name="evidence_reviewdraft_one_per_person")],
            },
        )),
    ]  # fmt: skip
