from django.db import migrations, models

from evidence.live_operations import Live

JUDGED = ("review", "adjudication", "goldjudgement")


class Migration(migrations.Migration):
    """A reviewer's own tokens, and by which of them a judgement came. All of before were issued, and judged nothing."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0050_judged_in_the_queue")]

    operations = [
        Live(
            migrations.AddField(
                model_name="accesstoken",
                name="is_own",
                field=models.BooleanField(db_default=False, default=False),
            )
        ),
        *(
            Live(
                migrations.AddField(
                    model_name=model,
                    name="token_prefix",
                    field=models.CharField(blank=True, db_default="", default="", max_length=12),
                )
            )
            for model in JUDGED
        ),
    ]
