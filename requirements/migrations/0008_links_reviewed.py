import django.db.models.deletion
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import Live, execute_beside_writers

# Nothing ever wrote a link, so no installation has one; where somebody did by hand, the migration stops.
DROP = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM information_schema.columns
               WHERE table_schema = current_schema() AND table_name = 'requirements_tracelink'
                 AND column_name = 'upstream_fingerprint') THEN
        IF EXISTS (SELECT FROM requirements_tracelink) THEN
            RAISE EXCEPTION 'requirements_tracelink holds rows, which this product never wrote: keep them first';
        END IF;
        DROP TABLE requirements_tracelink;
    END IF;
END $$
"""
XACT_ID = models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)
KEY = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


def drop_empty_table(apps, schema_editor):
    """Take away the table of links between versions, unless that was done."""
    execute_beside_writers(schema_editor, "requirements_tracelink", DROP)


def _to(model: str, related_name: str) -> models.ForeignKey:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name=related_name, to=model)


class Migration(migrations.Migration):
    """A link is between two things; at which versions it was reviewed, each of its reviews says."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0039_what_runners_say"), ("requirements", "0007_source_files")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_empty_table, migrations.RunPython.noop)],
            state_operations=[migrations.DeleteModel("TraceLink")],
        ),
        Live(migrations.CreateModel(
            name="TraceLink",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("kind", models.CharField(choices=[(each, each.title()) for each in ("derives", "refines", "verifies", "satisfies", "mitigates")], max_length=10)),
                ("created_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("system", _to("evidence.system", "trace_links")),
                ("upstream", _to("evidence.artefact", "links_down")),
                ("downstream", _to("evidence.artefact", "links_up")),
            ],
            options={"abstract": False},
        )),
        Live(migrations.AddConstraint(
            "tracelink",
            models.UniqueConstraint(fields=["system", "kind", "upstream", "downstream"], name="requirements_tracelink_once"),
        )),
        Live(migrations.AddConstraint(
            "tracelink",
            models.CheckConstraint(condition=models.Q(("upstream", models.F("downstream")), _negated=True), name="requirements_tracelink_two_ends"),
        )),
        Live(migrations.CreateModel(
            name="LinkReview",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("outcome", models.CharField(choices=[("holds", "Holds"), ("withdrawn", "Withdrawn")], max_length=10)),
                ("upstream_fingerprint", models.CharField(max_length=64)),
                ("downstream_fingerprint", models.CharField(max_length=64)),
                ("upstream_live", models.BooleanField()),
                ("downstream_live", models.BooleanField()),
                ("counted", models.CharField(max_length=200)),
                ("moved", models.JSONField(default=list)),
                ("reason", models.TextField(blank=True)),
                ("reviewed_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("link", _to("requirements.tracelink", "reviews")),
                ("upstream_version", _to("evidence.artefactversion", "reviewed_upstream")),
                ("downstream_version", _to("evidence.artefactversion", "reviewed_downstream")),
            ],
            options={"abstract": False},
        )),
        Live(migrations.CreateModel(
            name="BaselineSignOff",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("digest", models.CharField(max_length=64)),
                ("reason", models.TextField(blank=True)),
                ("signed_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("baseline", _to("requirements.baseline", "sign_offs")),
            ],
            options={"abstract": False},
        )),
        Live(migrations.AddConstraint(
            "baselinesignoff",
            models.UniqueConstraint(fields=["baseline", "signed_by"], name="requirements_sign_off_once"),
        )),
    ]  # fmt: skip
