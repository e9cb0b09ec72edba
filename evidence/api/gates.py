"""Gates by API: ask for a decision, define a gate, record a waiver."""

from __future__ import annotations

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.filtering import FilterSet
from evidence.api.inputs import Input
from evidence.api.reading import ScopedDetail, ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.models import ArtefactVersion, GateDecision, Scope, Waiver
from evidence.problems import Problem
from evidence.services import gates, registry


class GateDecisionOut(serializers.ModelSerializer[GateDecision]):
    """A decision with its reasons and the digest of all it rests on."""

    system = serializers.CharField(source="system.key")
    release = serializers.CharField(source="release.name")
    gate = serializers.CharField(source="gate_version.artefact.key")
    gate_version = serializers.IntegerField(source="gate_version.number")

    class Meta:
        model = GateDecision
        fields = [
            "id", "system", "release", "gate", "gate_version", "as_of", "verdict", "reasons", "inputs_digest",
            "code_version", "decided_by", "decided_at",
        ]  # fmt: skip


class GateDecisionIn(Input):
    """Which release is to pass."""

    system = serializers.CharField()
    release = serializers.CharField()


class GateDecide(ScopedView):
    """Ask a gate. `pass` only when every criterion is met or waived; missing evidence is `insufficient`."""

    scopes = {"POST": Scope.GATE}

    @extend_schema(request=GateDecisionIn, responses={201: GateDecisionOut, 404: Problem, 422: Problem})
    def post(self, request: Request, gate: str) -> Response:
        data = GateDecisionIn(data=request.data)
        data.is_valid(raise_exception=True)
        principal = principal_of(request)
        system = find_system(principal, data.validated_data["system"])
        release = registry.find_release(system, data.validated_data["release"])
        decision = gates.decide_gate(principal=principal, system=system, gate=gate, release=release)
        return Response(GateDecisionOut(decision).data, status=201)


class GateDecisionFilter(FilterSet):
    """Narrow a list of decisions."""

    system = django_filters.CharFilter("system__key")
    release = django_filters.CharFilter("release__name")
    gate = django_filters.CharFilter("gate_version__artefact__key")

    class Meta:
        model = GateDecision
        fields = ["verdict"]


class GateDecisions(ScopedList[GateDecision]):
    """Decisions, newest first."""

    queryset = GateDecision.objects.select_related("system", "release", "gate_version__artefact")
    serializer_class = GateDecisionOut
    filterset_class = GateDecisionFilter


class GateDecisionDetail(ScopedDetail[GateDecision]):
    """A decision by its id, with its reasons."""

    queryset = GateDecisions.queryset
    serializer_class = GateDecisionOut


class CriterionReferenceIn(Input):
    """A baseline, a requirement, or one criterion of a requirement."""

    requirement = serializers.CharField(required=False, default="", max_length=100)
    criterion = serializers.CharField(required=False, default="", max_length=100)
    version = serializers.IntegerField(required=False, default=None, allow_null=True, min_value=1)
    baseline = serializers.CharField(required=False, default="", max_length=100)


class GateIn(Input):
    """Which criteria a gate asks for, each by a baseline or a requirement."""

    system = serializers.CharField()
    key = serializers.SlugField(max_length=100)
    name = serializers.CharField(required=False, default="", max_length=200)
    criteria = CriterionReferenceIn(many=True)


class GateOut(serializers.ModelSerializer[ArtefactVersion]):
    """A version of a gate, numbered, with the criteria it asks for and their digest."""

    system = serializers.CharField(source="artefact.system.key")
    key = serializers.CharField(source="artefact.key")
    criteria = serializers.JSONField(source="metadata.criteria")

    class Meta:
        model = ArtefactVersion
        fields = ["system", "key", "number", "digest", "criteria", "created_at", "created_by"]


class GateDefine(ScopedView):
    """Define a gate, or the next version of it. The same criteria again answer the same."""

    scopes = {"POST": Scope.IMPORT}

    @extend_schema(request=GateIn, responses={201: GateOut, 422: Problem})
    def post(self, request: Request) -> Response:
        data = GateIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        version = gates.define_gate(
            principal=principal,
            system=find_system(principal, values["system"]),
            key=values["key"],
            name=values["name"],
            references=[gates.CriterionReference(**entry) for entry in values["criteria"]],
        )
        return Response(GateOut(version).data, status=201)


class WaiverIn(Input):
    """What is let past, for whom, why, and until when."""

    system = serializers.CharField()
    release = serializers.CharField()
    criterion_ref = serializers.CharField(max_length=200, help_text="<requirement key>/<criterion key>")
    reason = serializers.CharField()
    requested_by = serializers.CharField(
        max_length=200,
        help_text="Who asks: user:<name> by today's name, or an actor.",
    )
    expires_at = serializers.DateTimeField()


class WaiverOut(serializers.ModelSerializer[Waiver]):
    """Who let a release past which criterion, at whose request, why, and until when."""

    system = serializers.CharField(source="system.key")
    release = serializers.CharField(source="release.name")

    class Meta:
        model = Waiver
        fields = [
            "id", "system", "release", "criterion_ref", "reason", "requested_by", "approved_by", "expires_at",
            "created_at",
        ]  # fmt: skip


class Waivers(ScopedList[Waiver]):
    """List waivers; record one, as an approver who signed in, for a criterion another person asked about."""

    scopes = {"GET": Scope.READ, "POST": Scope.READ}
    queryset = Waiver.objects.select_related("system", "release")
    serializer_class = WaiverOut

    @extend_schema(request=WaiverIn, responses={201: WaiverOut, 403: Problem, 404: Problem, 422: Problem})
    def post(self, request: Request) -> Response:
        """Let a release past one criterion; a machine's token cannot."""
        data = WaiverIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = dict(data.validated_data), principal_of(request)
        system = find_system(principal, values.pop("system"))
        release = registry.find_release(system, values.pop("release"))
        waiver = gates.record_waiver(principal=principal, release=release, **values)
        return Response(WaiverOut(waiver).data, status=201)
