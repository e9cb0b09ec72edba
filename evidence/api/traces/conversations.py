"""The traces of one conversation or session, in time, each with its turns."""

from __future__ import annotations

from typing import Any, cast

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from evidence.api.filtering import FilterSet
from evidence.api.pagination import KeysetPagination
from evidence.api.reading import ScopedList
from evidence.api.trace_ids import TraceIdField
from evidence.errors import Fault, InvalidInput
from evidence.models import Trace
from evidence.selectors import traces
from evidence.selectors.conversations import Neighbours, Together, find_together
from evidence.worded import worded


class TurnOut(serializers.Serializer[Any]):
    """What was asked and answered; an empty text is one that could not be told, and the trace says why."""

    number = serializers.IntegerField(help_text="From 0, in time.")
    question = serializers.CharField()
    answer = serializers.CharField()


class ConversationTraceOut(serializers.ModelSerializer[Trace]):
    """A trace of a conversation, with what was said in it."""

    trace_id = TraceIdField()
    system = serializers.CharField(source="system.key")
    release = serializers.CharField(source="release.name", allow_null=True)
    turns = serializers.SerializerMethodField()

    class Meta:
        model = Trace
        fields = [
            "trace_id", "revision", "system", "release", "status", "language", "started_at", "ended_at", "turns",
        ]  # fmt: skip

    @extend_schema_field(TurnOut(many=True))
    def get_turns(self, trace: Trace) -> list[dict[str, Any]]:
        """Return its turns in time."""
        return [
            {"number": at, "question": asked, "answer": told} for at, asked, told in traces.turns_of(trace)
        ]


class NeighboursOut(serializers.Serializer[Neighbours]):
    """Where a trace stands in a conversation or session; its neighbours by their ids, null at either end."""

    kind = serializers.ChoiceField(choices=Together.choices)
    id = serializers.CharField(source="given_id", help_text="As sent; of several, the outermost span's.")
    place = serializers.IntegerField(help_text="From 1, by when the traces began.")
    count = serializers.IntegerField()
    previous = TraceIdField(source="previous.trace_id", allow_null=True)
    next = TraceIdField(source="next.trace_id", allow_null=True)


class ConversationFilter(FilterSet):
    """Which conversation or session, and whose."""

    system = django_filters.CharFilter("system__key", help_text="Needed where several of yours have it.")
    conversation = django_filters.CharFilter(
        method="kept", help_text="The id of a conversation, whole, as the application sent it."
    )
    session = django_filters.CharFilter(method="kept", help_text="Or that of a session.")

    class Meta:
        model = Trace
        fields: list[str] = []

    def kept(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Leave it to the end, when the system is known."""
        del name, value
        return queryset

    def filter_queryset(self, queryset: QuerySet[Trace]) -> QuerySet[Trace]:
        """Return the traces of the one that is named.

        Raises:
            InvalidInput: none is, or two are.
        """
        named = [kind for kind in Together if self.form.cleaned_data[kind.value]]
        if len(named) != 1:
            message = worded("name either a conversation or a session, by its id as the application sent it")
            raise InvalidInput(faults=[Fault("query", Together.CONVERSATION, "required", message)])
        own: QuerySet[Trace] = super().filter_queryset(queryset)
        return find_together(own, named[0], cast("str", self.form.cleaned_data[named[0].value]))


class InTime(KeysetPagination):
    """Those that began first come first."""

    ordering = ("started_at", "pk")


class ConversationTraceList(ScopedList[Trace]):
    """The current revisions of the traces of one conversation or session, in the order in which they began.

    `?conversation=` or `?session=` names it; `?system=` says whose, where several systems have it. Of more than 1,000
    traces with the same id, no order is told.
    """

    queryset = traces.current_traces().defer("sources", "errors", "span_ids", "flags")
    serializer_class = ConversationTraceOut
    filterset_class = ConversationFilter
    pagination_class = InTime
