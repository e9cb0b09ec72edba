import django.contrib.postgres.indexes
from django.db import migrations, models
from django.db.models import F, Q

from evidence.live_operations import BuildIndex, execute_beside_writers
from evidence.models.trace import Stretch, TraceKeys
from evidence.word_rules import word_functions

NUMBERS = ["input_tokens", "output_tokens", "cost"]


def make_functions(apps, schema_editor):
    """Make what the index stands on."""
    for signature, sql in word_functions().items():
        execute_beside_writers(schema_editor, signature, sql)


def drop_functions(apps, schema_editor):
    """Drop them, those that call others first."""
    for signature in reversed(word_functions()):
        execute_beside_writers(schema_editor, signature, f"DROP FUNCTION {signature}")


def keep_no_statistics(apps, schema_editor):
    """Hashes say nothing to a planner, and ANALYZE would read the words of thousands of traces each time."""
    execute_beside_writers(
        schema_editor, "evidence_trace", "ALTER INDEX evidence_trace_words ALTER COLUMN 1 SET STATISTICS 0"
    )


class Migration(migrations.Migration):
    """Traces are found by the words of their questions and answers, by tokens and cost, and by period."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0032_readings")]
    operations = [
        migrations.RunPython(make_functions, drop_functions),
        BuildIndex(
            "trace",
            django.contrib.postgres.indexes.GinIndex(
                TraceKeys(), name="evidence_trace_words", fastupdate=False
            ),
        ),
        migrations.RunPython(keep_no_statistics, migrations.RunPython.noop),
        BuildIndex(
            "trace",
            models.Index(F("system"), Stretch("id"), F("started_at"), name="evidence_trace_stretches"),
        ),
        *(
            BuildIndex(
                "trace",
                models.Index(
                    fields=[number],
                    name=f"evidence_trace_{number}",
                    condition=Q(**{f"{number}__isnull": False}),
                ),
            )
            for number in NUMBERS
        ),
    ]
