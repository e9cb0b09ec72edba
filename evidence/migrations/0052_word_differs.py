from django.db import migrations, models

REASONS = (
    "same_words", "same_once_normalised", "aligned", "in_another_document", "document_unknown", "quote_too_short",
    "number_differs", "negation_differs", "word_differs", "cuts_a_word", "alignment_too_low", "too_short_to_align",
    "too_long_to_align", "nothing_aligns",
)  # fmt: skip


class Migration(migrations.Migration):
    """A verdict on a citation may be that a word differs. PostgreSQL has nothing to do: the column takes any code."""

    atomic = False  # each step by itself, beside writers

    dependencies = [("evidence", "0051_review_tokens")]

    operations = [
        migrations.AlterField(
            "citation",
            "reason",
            models.CharField(
                choices=[(reason, reason.replace("_", " ").title()) for reason in REASONS], max_length=30, null=True
            ),
        ),
    ]
