"""Citations as JSON: the verdict, why it is what it is, and where quote and nearest passage differ."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from evidence.citations.difference import Side
from evidence.claim_words import say_why
from evidence.models import Citation
from evidence.selectors.citations import differences_in


class NearestOut(serializers.Serializer[Any]):
    """The passage of the cited document that is most like the quote, at `[start, end)` of it in code points."""

    start = serializers.IntegerField()
    end = serializers.IntegerField()
    text = serializers.CharField(help_text="Its first 10,000 code points.")


class RunOut(serializers.Serializer[Any]):
    """Words that stand together, at `[start, end)` of the quote, or of the passage where only that has them."""

    side = serializers.ChoiceField(choices=Side.choices(), help_text="Which of the two texts has them.")
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    text = serializers.CharField()
    lead = serializers.CharField(help_text="Signs and spaces before them, in their own text.")


class CitationOut(serializers.ModelSerializer[Citation]):
    """A citation and its verdict."""

    found_in = serializers.CharField(source="found_in.document_id", allow_null=True)
    reason_terms = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="The numbers or words that the reason is about; null where it names none.",
    )
    why = serializers.SerializerMethodField(help_text="The reason as a sentence, in the language asked for.")
    nearest = serializers.SerializerMethodField(
        help_text="Null where the quote itself stands in the document, or nothing in it is like the quote."
    )

    class Meta:
        model = Citation
        fields = [
            "ordinal", "document_ref", "quote", "verdict", "reason", "reason_terms", "why", "score", "threshold",
            "doc_start", "doc_end", "found_in", "nearest", "checker_version", "inputs_digest",
        ]  # fmt: skip
        extra_kwargs = {"reason": {"help_text": "Null: checked before verdicts kept their reason."}}

    def get_why(self, citation: Citation) -> str:
        """Say why the verdict is what it is."""
        return say_why(citation)

    @extend_schema_field(NearestOut(allow_null=True))
    def get_nearest(self, citation: Citation) -> Any:
        """Return the passage with its place."""
        if citation.nearest_text is None:
            return None
        return {
            "start": citation.nearest_start,
            "end": citation.nearest_end,
            "text": citation.nearest_text,
        }


class ComparedCitationOut(CitationOut):
    """A citation, and its quote and nearest passage word by word."""

    difference = serializers.SerializerMethodField(
        help_text="Both texts in reading order; what only the quote has stands before what only the passage has."
    )

    class Meta(CitationOut.Meta):
        fields = [*CitationOut.Meta.fields, "difference"]

    @extend_schema_field(RunOut(many=True))
    def get_difference(self, citation: Citation) -> Any:
        """Return the runs of the two texts; none where there is no passage to compare with."""
        return [
            {"side": one.side, "start": one.start, "end": one.end, "text": one.text, "lead": one.lead}
            for one in differences_in(citation)
        ]
