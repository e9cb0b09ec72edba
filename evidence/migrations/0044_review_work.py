import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from evidence.live_operations import BuildIndex, DropIndex, Live


class Migration(migrations.Migration):
    """What reviewers can judge, pauses, filters that somebody keeps; and the queue goes by due day and reason, too.

    Rows of before have no day, and come last of their risk until beat has put them right.
    """

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0043_labels_made_from"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        Live(migrations.AddField("queuedtask", "due_on", models.DateField(null=True))),
        Live(migrations.AddField("queuedtask", "language", models.CharField(blank=True, db_default="", max_length=8))),
        Live(migrations.AddField("queuedtask", "reason_rank", models.PositiveSmallIntegerField(db_default=1))),
        BuildIndex("queuedtask", models.Index(fields=["system", "stage", "risk_rank", "due_on", "reason_rank", "due_at", "task"], name="evidence_queuedtask_next")),
        DropIndex("queuedtask", "evidence_queuedtask_order"),
        Live(migrations.CreateModel(
            name="ReviewerSkill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(blank=True, max_length=8)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("system", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.system")),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="reviewer_skills", to=settings.AUTH_USER_MODEL)),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("user", "system", "language"), name="evidence_reviewerskill_once")]},
        )),
        Live(migrations.CreateModel(
            name="ReviewerPause",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("until", models.DateTimeField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("user", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name="reviewer_pause", to=settings.AUTH_USER_MODEL)),
            ],
            options={"abstract": False},
        )),
        Live(migrations.CreateModel(
            name="QueuePause",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.TextField()),
                ("paused_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("system", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="queue_pause", to="evidence.system")),
            ],
            options={"abstract": False},
        )),
        Live(migrations.CreateModel(
            name="SavedFilter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("standing", models.CharField(blank=True, max_length=20)),
                ("risk_tier", models.CharField(blank=True, choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")], max_length=10)),
                ("reason", models.CharField(blank=True, max_length=100)),
                ("language", models.CharField(blank=True, max_length=8)),
                ("system", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.system")),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="saved_filters", to=settings.AUTH_USER_MODEL)),
            ],
            options={"ordering": ["name"], "constraints": [models.UniqueConstraint(fields=("user", "name"), name="evidence_savedfilter_once")]},
        )),
    ]  # fmt: skip
