import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import evidence.models.base
from evidence.live_operations import BuildIndex, Live

KEY = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
XACT_ID = models.BigIntegerField(db_default=evidence.models.base.CurrentXactId(), editable=False, null=True)
CHANGES = ["added", "changed", "returned", "adopted", "moved", "dropped"]


def _to(model: str, related_name: str) -> models.ForeignKey:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name=related_name, to=model)


class Migration(migrations.Migration):
    """A requirement belongs to the file that brought it, and may have the key that another tool gave it."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("requirements", "0006_decided_on_what_was_read"), ("evidence", "0039_what_runners_say")]

    operations = [
        # A slug is a text of the same length and index; only what forms take it for differs.
        migrations.AlterField("requirement", "key", models.CharField(db_index=True, max_length=100)),
        BuildIndex("requirement", models.Index(
            "system", django.db.models.functions.text.Lower("key"), name="requirements_key_any_case"
        )),
        Live(migrations.AddField("requirementversion", "external_id", models.CharField(
            blank=True, db_default="", default="", max_length=200
        ))),
        BuildIndex("requirementversion", models.Index(
            fields=["external_id"], condition=~models.Q(external_id=""), name="requirements_external_id"
        )),
        Live(migrations.CreateModel(
            name="SourceFile",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("name", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("system", _to("evidence.system", "source_files")),
            ],
            options={"constraints": [
                models.UniqueConstraint(fields=("system", "name"), name="requirements_sourcefile_name")
            ]},
        )),
        Live(migrations.CreateModel(
            name="SourceFileImport",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("digest", models.CharField(max_length=64)),
                ("offset", models.BigIntegerField()),
                ("size", models.BigIntegerField()),
                ("plan_digest", models.CharField(max_length=64)),
                ("imported_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("blob", _to("evidence.blob", "requirement_imports")),
                ("source_file", _to("requirements.sourcefile", "imports")),
            ],
            options={"abstract": False},
        )),
        Live(migrations.CreateModel(
            name="SourceFileEntry",
            fields=[
                ("id", KEY),
                ("xact_id", XACT_ID),
                ("change", models.CharField(choices=[(each, each.title()) for each in CHANGES], max_length=10)),
                ("line", models.PositiveIntegerField(null=True)),
                ("file_import", _to("requirements.sourcefileimport", "entries")),
                ("requirement", _to("requirements.requirement", "source_entries")),
                ("version", _to("requirements.requirementversion", "source_entries")),
            ],
            options={
                "verbose_name_plural": "source file entries",
                "constraints": [models.UniqueConstraint(
                    fields=("file_import", "requirement"), name="requirements_sourceentry_once"
                )],
                "indexes": [
                    models.Index(fields=["requirement", "-id"], name="requirements_sourceentry_last")
                ],
            },
        )),
    ]
