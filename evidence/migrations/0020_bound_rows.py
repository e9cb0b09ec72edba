from django.db import migrations, models
from django.db.models import deletion

from evidence.added_columns import add_payload_salt
from evidence.live_operations import Live
from evidence.models.base import CurrentXactId

ERASABLE = [
    "adjudication", "citation", "claim", "evalsample", "policycheck", "reject", "retrieval", "review", "toolcall",
    "trace",
]  # fmt: skip


class Migration(migrations.Migration):
    """Every row is bound by the log: rows with payload carry its salt, and an erasure keeps what it committed to."""

    atomic = False
    dependencies = [("evidence", "0019_attempts_begun")]
    operations = [
        *(
            Live(
                migrations.AddField(
                    noun, "payload_commitment", models.CharField(editable=False, max_length=64, null=True)
                )
            )
            for noun in ERASABLE
        ),
        add_payload_salt(ERASABLE),
        Live(
            migrations.CreateModel(
                name="OpenBinding",
                fields=[("xact_id", models.BigIntegerField(primary_key=True, serialize=False))],
                options={"abstract": False},
            )
        ),
        Live(
            migrations.CreateModel(
                name="DisposedRows",
                fields=[
                    ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                    ("xact_id", models.BigIntegerField(db_default=CurrentXactId(), editable=False, null=True)),
                    ("bound_in", models.BigIntegerField(null=True)),
                    ("bucket", models.BigIntegerField()),
                    ("leaves", models.BinaryField()),
                    (
                        "disposal",
                        models.ForeignKey(
                            on_delete=deletion.PROTECT, related_name="rows", to="evidence.disposal"
                        ),
                    ),
                ],
                options={"verbose_name_plural": "disposed rows"},
            )
        ),
    ]
