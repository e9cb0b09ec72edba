"""Retractions by API: CI or an author asks for one by the run's key, and another person confirms or declines it."""

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
from evidence.models import EvalRun, Retraction, RetractionDismissal, RetractionRequest, Scope
from evidence.problems import Problem
from evidence.selectors.retractions import STATES, state_of, with_state
from evidence.services import evals


class RetractionRequestIn(Input):
    """Which run was wrong, and why."""

    system = serializers.CharField()
    run_key = serializers.CharField(max_length=200)
    reason = serializers.CharField()


class RetractionRequestOut(serializers.ModelSerializer[RetractionRequest]):
    """Who asked that a run no longer counts, why, and what became of it. The run counts while it is `waiting`."""

    system = serializers.CharField(source="run.system.key")
    run_key = serializers.CharField(source="run.run_key")
    state = serializers.SerializerMethodField()
    settled_by = serializers.SerializerMethodField()
    answer = serializers.CharField(source="dismissal.reason", allow_null=True)

    class Meta:
        model = RetractionRequest
        fields = [
            "id", "system", "run", "run_key", "reason", "requested_by", "created_at", "state", "settled_by", "answer",
        ]  # fmt: skip

    @extend_schema_field(serializers.ChoiceField(choices=STATES))
    def get_state(self, request: RetractionRequest) -> str:
        """Return where it stands; `overtaken`: the run was retracted by another request."""
        return state_of(request)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_settled_by(self, request: RetractionRequest) -> str | None:
        """Return who confirmed, declined or withdrew it; null where nobody has."""
        if hasattr(request, "dismissal"):
            return request.dismissal.dismissed_by
        return request.retraction.confirmed_by if hasattr(request, "retraction") else None


class RetractionRequestFilter(FilterSet):
    """Narrow a list of requested retractions; `state=waiting` is what waits for an approver."""

    system = django_filters.CharFilter("run__system__key")
    run_key = django_filters.CharFilter("run__run_key")
    release = django_filters.CharFilter("run__release__name")
    state = django_filters.ChoiceFilter("state_now", choices=[(state, state) for state in STATES])

    class Meta:
        model = RetractionRequest
        fields = ["requested_by"]


class RetractionRequests(ScopedList[RetractionRequest]):
    """List requested retractions, newest first; ask for one."""

    scopes = {"GET": Scope.READ, "POST": (Scope.PUSH_EVAL, Scope.IMPORT)}
    queryset = with_state(RetractionRequest.objects.all()).select_related(
        "run__system", "run__retraction", "retraction", "dismissal"
    )
    serializer_class = RetractionRequestOut
    filterset_class = RetractionRequestFilter

    @extend_schema(
        request=RetractionRequestIn,
        responses={201: RetractionRequestOut, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request) -> Response:
        """Say that a run was wrong. It counts until another person, an approver, confirms it."""
        data = RetractionRequestIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        system = find_system(principal, values["system"])
        run = (
            EvalRun.objects.select_related("system").filter(system=system, run_key=values["run_key"]).first()
        )
        if run is None:
            raise NotFound(f"System {system.key!r} has no eval run {values['run_key']!r}.")
        asked = evals.ask_retraction(principal=principal, run=run, reason=values["reason"])
        return Response(RetractionRequestOut(asked).data, status=201)


class RetractionStepIn(Input):
    """What becomes of a requested retraction, and why."""

    to_state = serializers.ChoiceField(choices=list(evals.RETRACTION_STEPS))
    reason = serializers.CharField(required=False, default="", allow_blank=True)


class RetractionTransitions(ScopedView):
    """Settle a requested retraction: an approver, another person, confirms or declines; whoever asked withdraws.

    Declining says why.
    """

    scopes = {"POST": (Scope.READ, Scope.PUSH_EVAL, Scope.IMPORT)}

    @extend_schema(
        request=RetractionStepIn,
        responses={201: RetractionRequestOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request, pk: int) -> Response:
        data = RetractionStepIn(data=request.data)
        data.is_valid(raise_exception=True)
        principal = principal_of(request)
        asked = visible_to(RetractionRequests.queryset, principal).filter(pk=pk).first()
        if asked is None:
            raise NotFound(f"There is no requested retraction {pk} among yours.")
        settled: Retraction | RetractionDismissal = evals.settle_retraction(
            principal=principal, request=asked, **data.validated_data
        )
        return Response(RetractionRequestOut(settled.request).data, status=201)
