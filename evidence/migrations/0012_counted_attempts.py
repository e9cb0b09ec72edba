from django.db import migrations, models


class Migration(migrations.Migration):
    """A trace that ends its workers is counted, and set aside."""

    dependencies = [("evidence", "0009_span_identity")]
    operations = [
        migrations.AddField(
            model_name="pendingtrace",
            name="attempts",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddIndex(
            model_name="pendingtrace",
            index=models.Index(
                condition=models.Q(("attempts__gt", 0)),
                fields=["attempts", "last_received_at"],
                name="evidence_pendingtrace_tried",
            ),
        ),
    ]
