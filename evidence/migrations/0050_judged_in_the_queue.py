from django.db import migrations, models

from evidence.live_operations import BuildIndex, Live


class Migration(migrations.Migration):
    """Rows of the queue say where nobody has judged yet. Those of before say nothing until beat has looked."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0049_rows_since")]

    operations = [
        Live(migrations.AddField("queuedtask", "may_have_reviews", models.BooleanField(db_default=True, default=True))),
        BuildIndex("queuedtask", models.Index(condition=models.Q(("may_have_reviews", True)), fields=["system"], name="evidence_queuedtask_judged")),
    ]  # fmt: skip
