from django.db import migrations, models

from evidence.live_operations import Live


class Migration(migrations.Migration):
    """Traces say what they were read from: exchanges, sources, ids, tokens and cost. Those of before say nothing."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0028_sign_in_bindings")]

    operations = [
        *(
            Live(migrations.AddField("trace", name, models.JSONField(null=True)))
            for name in (
                "exchanges", "sources", "conversation_ids", "session_ids", "user_ids", "finish_reasons", "errors",
            )
        ),
        Live(migrations.AddField("trace", "input_tokens", models.BigIntegerField(null=True))),
        Live(migrations.AddField("trace", "output_tokens", models.BigIntegerField(null=True))),
        Live(migrations.AddField("trace", "cost", models.DecimalField(decimal_places=12, max_digits=30, null=True))),
        Live(migrations.AddField("trace", "currency", models.CharField(blank=True, db_default="", max_length=100))),
        Live(migrations.AddField("claim", "exchange", models.PositiveIntegerField(null=True))),
        Live(migrations.AddField("retrieval", "text", models.TextField(blank=True, null=True))),
        Live(migrations.AddField("retrieval", "source", models.JSONField(null=True))),
        migrations.AlterField("retrieval", "document_ref", models.CharField(blank=True, max_length=200)),  # no SQL
        Live(migrations.AddField("toolcall", "call_id", models.TextField(blank=True, null=True))),
        Live(migrations.AddField("toolcall", "error", models.TextField(blank=True, null=True))),
        Live(migrations.AddField("toolcall", "source", models.JSONField(null=True))),
        Live(migrations.AddField("tracefacts", "n_declared", models.PositiveIntegerField(null=True))),
        Live(migrations.AddField("tracefacts", "n_material_declared", models.PositiveIntegerField(null=True))),
    ]
