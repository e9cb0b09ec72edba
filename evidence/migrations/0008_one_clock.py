import django.contrib.postgres.fields
from django.db import migrations, models

import evidence.models.base
from evidence.clock_rules import CLOCK_FUNCTIONS
from evidence.live_operations import Live, execute_beside_writers
from evidence.added_columns import add_xact_id

NOUNS = [
    "blob", "system", "artefact", "artefactversion", "registration", "sourcedocument", "release", "releasepin",
    "deployment", "auditevent", "leaf", "tile", "checkpoint", "binder", "trace", "traceversion", "retrieval",
    "tracedocument", "policycheck", "toolcall", "tracefacts", "claim", "citation", "legalhold", "legalholdrelease",
    "erasure", "disposal", "blobremoval", "evalrun", "evalsample", "evalscore", "retraction", "gatedecision", "waiver",
    "ingestbatch", "reject", "span", "evidence", "evidencelink", "reviewtask", "review", "adjudication",
]  # fmt: skip

UNDO = """
DROP FUNCTION tracebinder_snapshot();
DROP FUNCTION tracebinder_xact_id();
DROP FUNCTION tracebinder_xact_offset();
"""


def make_functions(apps, schema_editor):
    """Make those that are not there; the rules, which follow every migration, keep them as they should be."""
    with schema_editor.connection.cursor() as cursor:
        for signature, sql in CLOCK_FUNCTIONS.items():
            cursor.execute("SELECT to_regprocedure(%s) IS NULL", [signature])
            if cursor.fetchone() == (True,):
                cursor.execute(sql)


def add_digest_format(apps, schema_editor):
    """Say of all spans whose writer does not say otherwise that their digests are of the old format.

    Servers of before go on writing such spans until they are replaced, and do not know of the column.
    """
    execute_beside_writers(
        schema_editor,
        "evidence_span",
        "ALTER TABLE evidence_span ADD COLUMN IF NOT EXISTS digest_format smallint NOT NULL DEFAULT 1;",
    )


class Migration(migrations.Migration):
    """Each row carries the transaction that wrote it, and moments say which had been committed."""

    atomic = False  # each table by itself, beside writers

    dependencies = [("evidence", "0007_batch_systems")]
    operations = [
        migrations.RunPython(make_functions, migrations.RunPython.noop),
        migrations.RunSQL(migrations.RunSQL.noop, UNDO),
        add_xact_id(NOUNS),
        Live(migrations.CreateModel(
            name="Moment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("xact_id", models.BigIntegerField(null=True, editable=False, db_default=evidence.models.base.CurrentXactId())),
                ("at", models.DateTimeField(unique=True)),
                ("before", models.BigIntegerField()),
                ("running", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
            ],
        )),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunPython(add_digest_format, migrations.RunPython.noop),
                migrations.RunSQL(
                    migrations.RunSQL.noop, "ALTER TABLE evidence_span DROP COLUMN digest_format"
                ),
            ],
            state_operations=[
                migrations.AddField("span", "digest_format", models.SmallIntegerField(db_default=1))
            ],
        ),
        Live(migrations.AddField(
            "trace", "span_ids", django.contrib.postgres.fields.ArrayField(models.CharField(max_length=16), null=True)
        )),
    ]
