from django.contrib.postgres.indexes import GinIndex
from django.db import migrations

from evidence.live_operations import BuildIndex


class Migration(migrations.Migration):
    """Traces are found by the user, session or conversation that their sender named."""

    atomic = False

    dependencies = [("evidence", "0029_what_traces_say")]

    operations = [
        BuildIndex(
            "trace",
            GinIndex(
                fields=["user_ids", "session_ids", "conversation_ids"],
                name="evidence_trace_by_given_ids",
                opclasses=["jsonb_path_ops"] * 3,
            ),
        ),
    ]
