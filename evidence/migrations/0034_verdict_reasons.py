from django.db import migrations, models

from evidence.live_operations import Live


REASONS = (
    "same_words", "same_once_normalised", "aligned", "in_another_document", "document_unknown", "quote_too_short",
    "number_differs", "negation_differs", "cuts_a_word", "alignment_too_low", "too_short_to_align",
    "too_long_to_align", "nothing_aligns",
)


class Migration(migrations.Migration):
    """A verdict on a citation keeps why it is what it is, and the passage nearest to the quote. Those of before do not."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0033_words_of_traces")]

    operations = [
        Live(migrations.AddField("citation", "reason", models.CharField(
            choices=[(reason, reason.replace("_", " ").title()) for reason in REASONS], max_length=30, null=True,
        ))),
        Live(migrations.AddField("citation", "reason_terms", models.JSONField(null=True))),
        Live(migrations.AddField("citation", "nearest_start", models.PositiveIntegerField(null=True))),
        Live(migrations.AddField("citation", "nearest_end", models.PositiveIntegerField(null=True))),
        Live(migrations.AddField("citation", "nearest_text", models.TextField(null=True))),
    ]
