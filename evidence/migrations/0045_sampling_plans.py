import django.db.models.deletion
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live

XACT_ID = models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)
KEY = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
STRATA = [("", "none"), ("risk_tier", "Risk Tier"), ("language", "Language"), ("release", "Release")]


class Migration(migrations.Migration):
    """Samples of a period's answers: the plan, the answers that were frozen, and those that were drawn."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0044_review_work")]

    operations = [
        Live(migrations.CreateModel(
            name="SamplingPlan",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("risk_tier", models.CharField(blank=True, choices=[(tier, tier.title()) for tier in ("low", "medium", "high")], max_length=10)),
                ("period_from", models.DateTimeField()),
                ("period_to", models.DateTimeField()),
                ("strata_field", models.CharField(blank=True, choices=STRATA, max_length=20)),
                ("fewest_of_each", models.PositiveSmallIntegerField()),
                ("tolerable_rate", models.DecimalField(decimal_places=4, max_digits=5)),
                ("confidence", models.DecimalField(decimal_places=4, max_digits=5)),
                ("expected_exceptions", models.PositiveSmallIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("made_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField()),
                ("release", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="sampling_plans", to="evidence.release")),
                ("system", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="sampling_plans", to="evidence.system")),
            ],
            options={"constraints": [
                models.UniqueConstraint(fields=("system", "digest"), name="evidence_samplingplan_content"),
                models.CheckConstraint(condition=models.Q(("created_at__lt", models.F("period_to")), ("period_from__lt", models.F("period_to"))), name="evidence_samplingplan_before_its_end"),
            ]},
        )),
        Live(migrations.CreateModel(
            name="FrozenPopulation",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("size", models.PositiveIntegerField()),
                ("strata", models.JSONField()),
                ("frozen_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField()),
                ("answers", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="sampling_populations", to="evidence.blob")),
                ("plan", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="population", to="evidence.samplingplan")),
            ],
        )),
        Live(migrations.CreateModel(
            name="SampleDraw",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("seed", models.CharField(max_length=64)),
                ("n", models.PositiveIntegerField()),
                ("drawn", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                ("drawn_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField()),
                ("checkpoint", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="sample_draws", to="evidence.checkpoint")),
                ("population", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="draw", to="evidence.frozenpopulation")),
            ],
        )),
    ]  # fmt: skip
