import django.contrib.postgres.fields
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live, execute_beside_writers
from evidence.xact_columns import add_xact_id

NOUNS = [
    "blob", "system", "artefact", "artefactversion", "registration", "sourcedocument", "release", "releasepin",
    "deployment", "auditevent", "leaf", "tile", "checkpoint", "binder", "trace", "traceversion", "retrieval",
    "tracedocument", "policycheck", "toolcall", "tracefacts", "claim", "citation", "legalhold", "legalholdrelease",
    "erasure", "disposal", "blobremoval", "evalrun", "evalsample", "evalscore", "retraction", "gatedecision", "waiver",
    "ingestbatch", "reject", "span", "evidence", "evidencelink", "reviewtask", "review", "adjudication",
]  # fmt: skip

# PostgreSQL numbers transactions on for ever, but a restored dump begins anew: the offset then makes up for it
# (`evidence.table_rules`). All three are inlined where they are called. One's own transaction counts as ended,
# because what it has written is committed with what it now decides.
FUNCTIONS = """
CREATE OR REPLACE FUNCTION tracebinder_xact_offset() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 0::bigint';
CREATE OR REPLACE FUNCTION tracebinder_xact_id() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT pg_current_xact_id()::text::bigint + tracebinder_xact_offset()
$$;
CREATE OR REPLACE FUNCTION tracebinder_snapshot(OUT before bigint, OUT running bigint[]) LANGUAGE sql STABLE AS $$
    SELECT greatest(pg_snapshot_xmax(snapshot)::text::bigint, own + 1) + tracebinder_xact_offset(),
        ARRAY(
            SELECT xact::text::bigint + tracebinder_xact_offset() FROM pg_snapshot_xip(snapshot) AS xact
            WHERE xact::text::bigint IS DISTINCT FROM own ORDER BY 1
        )
    FROM (
        SELECT pg_current_snapshot() AS snapshot, pg_current_xact_id_if_assigned()::text::bigint AS own
    ) AS now
$$;
"""
UNDO = """
DROP FUNCTION tracebinder_snapshot();
DROP FUNCTION tracebinder_xact_id();
DROP FUNCTION tracebinder_xact_offset();
"""


def add_digest_format(apps, schema_editor):
    """Say of the spans there are that their digests are of the old format, and of all to come that they are not."""
    execute_beside_writers(
        schema_editor,
        "evidence_span",
        "ALTER TABLE evidence_span ADD COLUMN IF NOT EXISTS digest_format smallint NOT NULL DEFAULT 1;"
        "ALTER TABLE evidence_span ALTER COLUMN digest_format SET DEFAULT 2;",
    )


class Migration(migrations.Migration):
    """Each row carries the transaction that wrote it, and moments say which had been committed."""

    atomic = False  # each table by itself, beside writers

    dependencies = [("evidence", "0007_batch_systems")]
    operations = [
        migrations.RunSQL(FUNCTIONS, UNDO),
        add_xact_id("evidence", NOUNS),
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
                migrations.AddField("span", "digest_format", models.SmallIntegerField(db_default=2))
            ],
        ),
        Live(migrations.AddField(
            "trace", "span_ids", django.contrib.postgres.fields.ArrayField(models.CharField(max_length=16), null=True)
        )),
    ]
