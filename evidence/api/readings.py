"""How systems say that their traces are read, by API: propose, approve, and try a draft against a stored trace."""

from __future__ import annotations

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.filtering import FilterSet
from evidence.api.inputs import FreeObject, Input
from evidence.api.reading import ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.api.trace_ids import TraceIdField
from evidence.api.traces.exchanges import ExchangeOut, SourceOut
from evidence.models import ArtefactVersion, ReadingState, ReadingTransition, Scope
from evidence.problems import Problem
from evidence.selectors.proposals import replaced_digest
from evidence.selectors.readings import DOCUMENT, readings_with_standing
from evidence.semconv.draft import Flag, RetrievalDraft, TraceDraft
from evidence.semconv.exchange_json import ExchangeJson, exchange_as_json
from evidence.services import assembly, readings


class ReadingIn(Input):
    """How the traces of a system are to be read."""

    system = serializers.CharField()
    document = FreeObject(help_text="See docs/reference/semantic-conventions.md; {} has them read as any.")
    reason = serializers.CharField(required=False, default="", help_text="Why; shown to whoever approves it.")


class ReadingTransitionOut(serializers.ModelSerializer[ReadingTransition]):
    """A step of a version of a reading: who took it, why, and when."""

    class Meta:
        model = ReadingTransition
        fields = ["id", "to_state", "by", "reason", "at"]


class ReadingVersionOut(serializers.ModelSerializer[ArtefactVersion]):
    """A version of a reading: what it says, where it stands, and whether traces are read by it."""

    system = serializers.CharField(source="artefact.system.key")
    document = serializers.JSONField(source=f"metadata.{DOCUMENT}")
    replaces = serializers.SerializerMethodField()
    state = serializers.CharField(source="state_now")
    in_force = serializers.SerializerMethodField()
    transitions = ReadingTransitionOut(source="reading_transitions", many=True)

    class Meta:
        model = ArtefactVersion
        fields = [
            "system", "number", "digest", "document", "replaces", "state", "in_force", "transitions", "created_at",
            "created_by",
        ]  # fmt: skip

    def get_replaces(self, version: ArtefactVersion) -> str | None:
        """Return the digest of the version it was proposed in place of; null where none was in force then."""
        return replaced_digest(version)

    def get_in_force(self, version: Any) -> bool:
        """Return whether traces that are sealed now are read by this version."""
        return bool(version.pk == version.deciding_id)


class ReadingVersionFilter(FilterSet):
    """Narrow a list of versions of readings; `state=proposed` is what waits for an approver."""

    system = django_filters.CharFilter("artefact__system__key")
    state = django_filters.ChoiceFilter("state_now", choices=ReadingState.choices)

    class Meta:
        model = ArtefactVersion
        fields = ["digest"]


class Readings(ScopedList[ArtefactVersion]):
    """List versions of readings, newest first; propose one."""

    scopes = {"GET": Scope.READ, "POST": Scope.IMPORT}
    queryset = (
        readings_with_standing().select_related("artefact__system").prefetch_related("reading_transitions")
    )
    serializer_class = ReadingVersionOut
    filterset_class = ReadingVersionFilter

    @extend_schema(request=ReadingIn, responses={201: ReadingVersionOut, 409: Problem, 422: Problem})
    def post(self, request: Request) -> Response:
        """Propose how a system's traces are read; none is read so until an approver, another person, agrees.

        The same document again answers the same.
        """
        data = ReadingIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        version = readings.propose_reading(
            principal=principal,
            system=find_system(principal, values["system"]),
            document=values["document"],
            reason=values["reason"],
        )
        return Response(ReadingVersionOut(Readings.queryset.get(pk=version.pk)).data, status=201)


class ReadingTransitionIn(Input):
    """What becomes of a proposed version, and why."""

    system = serializers.CharField()
    to_state = serializers.ChoiceField(choices=list(readings.SETTLED))
    reason = serializers.CharField(required=False, default="", allow_blank=True)


class ReadingTransitions(ScopedView):
    """Settle a proposed version: an approver, another person, approves or declines it; its proposer withdraws it.

    Declining says why. What was sealed before stays as it was.
    """

    scopes = {"POST": (Scope.READ, Scope.IMPORT)}

    @extend_schema(
        request=ReadingTransitionIn,
        responses={201: ReadingTransitionOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request, number: int) -> Response:
        data = ReadingTransitionIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        transition = readings.settle_reading_proposal(
            principal=principal,
            version=readings.find_reading_version(find_system(principal, values["system"]), number),
            to_state=values["to_state"],
            reason=values["reason"],
        )
        return Response(ReadingTransitionOut(transition).data, status=201)


class TryIn(Input):
    """A draft, and the stored trace to read by it."""

    system = serializers.CharField()
    document = FreeObject(help_text="As it would be proposed.")
    trace = serializers.CharField(max_length=40, help_text="A trace id, or how it begins.")


class TriedDocumentOut(serializers.Serializer[RetrievalDraft]):
    """A document that was found."""

    span_id = serializers.CharField()
    rank = serializers.IntegerField()
    score = serializers.FloatField(allow_null=True)
    document_ref = serializers.CharField()
    text = serializers.CharField()
    source = SourceOut(allow_null=True)  # type: ignore[assignment]  # shadows Field.source


class TriedFlagOut(serializers.Serializer[Flag]):
    """What a reader of the trace should know."""

    code = serializers.CharField()
    detail = serializers.CharField()
    span_id = serializers.CharField()


class TriedTraceOut(serializers.Serializer[TraceDraft]):
    """What a trace would tell."""

    exchanges = serializers.SerializerMethodField()
    documents = TriedDocumentOut(source="retrievals", many=True)
    flags = TriedFlagOut(many=True)

    @extend_schema_field(ExchangeOut(many=True))
    def get_exchanges(self, draft: TraceDraft) -> list[ExchangeJson]:
        """Return each turn, with where it was read."""
        return [exchange_as_json(one) for one in draft.exchanges]


class TriedOut(serializers.Serializer[assembly.Tried]):
    """One trace as it would be sealed now, and as it would be by the draft."""

    trace_id = TraceIdField(source="trace.trace_id")
    revision = serializers.IntegerField(source="trace.revision")
    in_force = serializers.IntegerField(
        source="in_force.number", allow_null=True, help_text="Version by which traces are read now."
    )
    now = TriedTraceOut()
    then = TriedTraceOut()


class ReadingTry(ScopedView):
    """Read a stored trace by a draft, and by what is in force. Nothing is stored."""

    scopes = {"POST": Scope.READ}

    @extend_schema(request=TryIn, responses={200: TriedOut, 404: Problem, 409: Problem, 422: Problem})
    def post(self, request: Request) -> Response:
        data = TryIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        tried = assembly.try_reading(
            principal=principal,
            system=find_system(principal, values["system"]),
            document=values["document"],
            trace=values["trace"],
        )
        return Response(TriedOut(tried).data)
