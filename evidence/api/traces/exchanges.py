"""Exchanges of a trace, and where each of their parts was read, as JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from evidence.erased import ERASED_KEY
from evidence.semconv.draft import Absent, Rule


class SourceOut(serializers.Serializer[Any]):
    """Where something was read: the span, its attribute as sent or `event:NAME`, and the rule that chose it."""

    span_id = serializers.CharField()
    attribute = serializers.CharField()
    rule = serializers.ChoiceField(choices=Rule.choices())


class PlaceOut(serializers.Serializer[Any]):
    """Where in the span beside it something was read."""

    attribute = serializers.CharField()
    rule = serializers.ChoiceField(choices=Rule.choices())

    def to_representation(self, instance: Any) -> Any:
        """Return it; of an erased trace nobody can say it any more."""
        return None if ERASED_KEY in instance else super().to_representation(instance)


class CandidateOut(serializers.Serializer[Any]):
    """A text that could have been the one."""

    text = serializers.CharField()
    source = SourceOut()  # type: ignore[assignment]  # shadows Field.source


class ToldOut(serializers.Serializer[Any]):
    """A question or an answer: the text and where it was read, or why there is none, and what else it could be."""

    text = serializers.CharField()
    source = SourceOut(allow_null=True)  # type: ignore[assignment]  # shadows Field.source
    absent = serializers.ChoiceField(choices=Absent.choices(), allow_blank=True)
    others = CandidateOut(many=True)


class AttachmentOut(serializers.Serializer[Any]):
    """An image or a file beside the words: its type and digest or address, never its content."""

    span_id = serializers.CharField()
    media_type = serializers.CharField()
    reference = serializers.CharField()
    role = serializers.CharField()


class ExchangeOut(serializers.Serializer[Any]):
    """One question with its answer."""

    number = serializers.IntegerField(help_text="From 0, in time.")
    question = ToldOut()
    answer = ToldOut()
    span_id = serializers.CharField(help_text="The span that speaks for it.")
    finish_reason = serializers.CharField(help_text="As the library called it.")
    refused = serializers.BooleanField(help_text="Whether the answer is a refusal.")
    answer_is_prose = serializers.BooleanField(help_text="Of JSON, code or numbers no claim is made.")
    attachments = AttachmentOut(many=True)


class StepErrorOut(serializers.Serializer[Any]):
    """A step that failed."""

    span_id = serializers.CharField()
    step = serializers.CharField(help_text="The name of its span.")
    message = serializers.CharField()
