"""Waivers by API: an author asks for one, for a criterion that a gate found unmet, and an approver grants it."""

from __future__ import annotations

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of, visible_to
from evidence.api.filtering import FilterSet
from evidence.api.inputs import Input
from evidence.api.reading import ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.errors import NotFound
from evidence.models import Scope, Waiver, WaiverRequest
from evidence.problems import Problem
from evidence.selectors.waivers import STATES, with_state
from evidence.services import gates, registry


class WaiverOut(serializers.ModelSerializer[Waiver]):
    """Who let a release past which criterion, at whose request, why, and until when."""

    system = serializers.CharField(source="system.key")
    release = serializers.CharField(source="release.name")

    class Meta:
        model = Waiver
        fields = [
            "id", "system", "release", "request", "criterion_ref", "reason", "requested_by", "approved_by",
            "expires_at", "created_at",
        ]  # fmt: skip


class Waivers(ScopedList[Waiver]):
    """Waivers that were granted, newest first; they are asked for at `/waiver-requests`."""

    queryset = Waiver.objects.select_related("system", "release")
    serializer_class = WaiverOut


class WaiverRequestIn(Input):
    """What is to be let past, for which release, why, and until when."""

    system = serializers.CharField()
    release = serializers.CharField()
    criterion_ref = serializers.CharField(
        max_length=200,
        help_text="<requirement key>/<criterion key>, of those that a gate found unmet when it was last asked.",
    )
    reason = serializers.CharField()
    expires_at = serializers.DateTimeField()


class WaiverRequestOut(serializers.ModelSerializer[WaiverRequest]):
    """Who asked for which waiver, why, and what became of it. The criterion stands while it is `waiting`."""

    system = serializers.CharField(source="release.system.key")
    release = serializers.CharField(source="release.name")
    state = serializers.SerializerMethodField()
    settled_by = serializers.SerializerMethodField()
    answer = serializers.CharField(source="dismissal.reason", allow_null=True)

    class Meta:
        model = WaiverRequest
        fields = [
            "id", "system", "release", "criterion_ref", "decision", "reason", "requested_by", "expires_at",
            "created_at", "state", "settled_by", "answer",
        ]  # fmt: skip

    @extend_schema_field(serializers.ChoiceField(choices=STATES))
    def get_state(self, request: WaiverRequest) -> str:
        """Return where it stands."""
        state: str = with_state(WaiverRequest.objects.filter(pk=request.pk)).get().state_now
        return state

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_settled_by(self, request: WaiverRequest) -> str | None:
        """Return who granted, declined or withdrew it; null where nobody has."""
        if hasattr(request, "dismissal"):
            return request.dismissal.dismissed_by
        return request.waiver.approved_by if hasattr(request, "waiver") else None


class WaiverRequestFilter(FilterSet):
    """Narrow a list of requested waivers; `state=waiting` is what waits for an approver."""

    system = django_filters.CharFilter("release__system__key")
    release = django_filters.CharFilter("release__name")
    state = django_filters.ChoiceFilter("state_now", choices=[(state, state) for state in STATES])

    class Meta:
        model = WaiverRequest
        fields = ["criterion_ref"]


class WaiverRequests(ScopedList[WaiverRequest]):
    """List requested waivers, newest first; ask for one."""

    scopes = {"GET": Scope.READ, "POST": Scope.IMPORT}
    queryset = with_state(WaiverRequest.objects.all()).select_related(
        "release__system", "waiver", "dismissal"
    )
    serializer_class = WaiverRequestOut
    filterset_class = WaiverRequestFilter

    @extend_schema(request=WaiverRequestIn, responses={201: WaiverRequestOut, 404: Problem, 422: Problem})
    def post(self, request: Request) -> Response:
        """Ask that a release passes one criterion that a gate found unmet; an approver, another person, grants it."""
        data = WaiverRequestIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = dict(data.validated_data), principal_of(request)
        system = find_system(principal, values.pop("system"))
        release = registry.find_release(system, values.pop("release"))
        asked = gates.ask_waiver(principal=principal, release=release, **values)
        return Response(WaiverRequestOut(asked).data, status=201)


class WaiverStepIn(Input):
    """What becomes of a requested waiver, and why."""

    to_state = serializers.ChoiceField(choices=list(gates.WAIVER_STEPS))
    reason = serializers.CharField(required=False, default="", allow_blank=True)


class WaiverTransitions(ScopedView):
    """Settle a requested waiver: an approver, another person, grants or declines; whoever asked withdraws.

    Declining says why.
    """

    scopes = {"POST": (Scope.READ, Scope.IMPORT)}

    @extend_schema(
        request=WaiverStepIn,
        responses={201: WaiverRequestOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request, pk: int) -> Response:
        data = WaiverStepIn(data=request.data)
        data.is_valid(raise_exception=True)
        principal = principal_of(request)
        asked = visible_to(WaiverRequests.queryset, principal).filter(pk=pk).first()
        if asked is None:
            raise NotFound(f"There is no requested waiver {pk} among yours.")
        gates.settle_waiver(principal=principal, request=asked, **data.validated_data)
        return Response(WaiverRequestOut(WaiverRequests.queryset.get(pk=pk)).data, status=201)
