import django.db.models.deletion
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live


class Migration(migrations.Migration):
    """Dictionaries, their features, and what people call these."""

    atomic = False  # each step by itself, beside writers

    dependencies = [
        ("evidence", "0039_what_runners_say"),
        ("interpret", "0008_parts"),
    ]

    operations = [
        Live(migrations.CreateModel(
            name="Dictionary",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("xact_id", models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ("architecture", models.CharField(max_length=200)),
                ("layer", models.PositiveIntegerField()),
                ("width", models.PositiveIntegerField()),
                ("n_features", models.PositiveIntegerField()),
                ("card", models.JSONField()),
                ("concepts", models.JSONField()),
                ("n_tokens", models.PositiveIntegerField()),
                ("n_texts", models.PositiveIntegerField()),
                ("features_digest", models.CharField(max_length=64)),
                ("registered_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("artefact_version", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="dictionary", to="evidence.artefactversion")),
                ("model_version", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.artefactversion")),
                ("system", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="dictionaries", to="evidence.system")),
            ],
            options={
                "verbose_name_plural": "dictionaries",
            },
        )),
        Live(migrations.CreateModel(
            name="Feature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("xact_id", models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ("number", models.PositiveIntegerField()),
                ("density", models.FloatField()),
                ("in_texts", models.PositiveIntegerField()),
                ("largest", models.FloatField()),
                ("examples", models.JSONField()),
                ("raises", models.JSONField()),
                ("lowers", models.JSONField()),
                ("answers", models.JSONField()),
                ("dictionary", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="features", to="interpret.dictionary")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("dictionary", "number"), name="interpret_feature_once")]},
        )),
        Live(migrations.CreateModel(
            name="FeatureLabel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("xact_id", models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)),
                ("concept", models.CharField(blank=True, max_length=200)),
                ("words", models.TextField(blank=True)),
                ("figures", models.JSONField(default=dict)),
                ("labelled_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("feature", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="labels", to="interpret.feature")),
            ],
            options={"abstract": False},
        )),
    ]
