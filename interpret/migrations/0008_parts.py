import django.db.models.deletion
from django.db import migrations, models

from evidence.live_operations import Live, execute_beside_writers

GONE = (
    "tracebinder_claim_probe_run(bigint, text, integer)",
    "tracebinder_end_probe_attempt(bigint, text, text, text)",
)


def drop_functions(apps, schema_editor):
    """Workers of before, who know of no parts, can claim nothing any more, and end nothing."""
    for signature in GONE:
        execute_beside_writers(schema_editor, signature, f"DROP FUNCTION IF EXISTS {signature}")


def put_back(apps, schema_editor):
    """Runs that workers of before hold are begun anew: those workers cannot end them any more."""
    execute_beside_writers(
        schema_editor,
        "interpret_proberun",
        "UPDATE interpret_proberun SET state = 'queued', attempts = greatest(attempts - 1, 0), lease_until = NULL,"
        " lease_digest = '' WHERE state = 'running'",
    )


class Migration(migrations.Migration):
    """A run is shared by workers in parts, and may be cancelled."""

    atomic = False
    dependencies = [("interpret", "0007_replicated")]
    operations = [
        migrations.RunPython(drop_functions, migrations.RunPython.noop),
        migrations.RunPython(put_back, migrations.RunPython.noop),
        migrations.AlterField(
            "proberun",
            "state",
            models.CharField(
                choices=[
                    ("queued", "Queued"),
                    ("running", "Running"),
                    ("done", "Done"),
                    ("failed", "Failed"),
                    ("cancelled", "Cancelled"),
                ],
                default="queued",
                max_length=10,
            ),
        ),
        Live(migrations.AddField("proberun", "planned_at", models.DateTimeField(null=True))),
        Live(
            migrations.CreateModel(
                name="ProbePart",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "state",
                        models.CharField(
                            choices=[
                                ("queued", "Queued"),
                                ("running", "Running"),
                                ("done", "Done"),
                                ("failed", "Failed"),
                            ],
                            default="queued",
                            max_length=10,
                        ),
                    ),
                    ("attempts", models.PositiveSmallIntegerField(default=0)),
                    ("lease_until", models.DateTimeField(null=True)),
                    ("worker", models.CharField(blank=True, max_length=200)),
                    ("error", models.TextField(blank=True)),
                    ("queued_at", models.DateTimeField()),
                    ("sent_at", models.DateTimeField(null=True)),
                    ("started_at", models.DateTimeField(null=True)),
                    ("finished_at", models.DateTimeField(null=True)),
                    ("part", models.CharField(blank=True, max_length=200)),
                    ("lease_digest", models.CharField(blank=True, max_length=64)),
                    ("postponed_at", models.DateTimeField(null=True)),
                    ("measured", models.TextField(blank=True)),
                    (
                        "run",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="parts",
                            to="interpret.proberun",
                        ),
                    ),
                ],
                options={
                    "constraints": [
                        models.UniqueConstraint(fields=("run", "part"), name="interpret_probepart_once")
                    ],
                },
            )
        ),
    ]
