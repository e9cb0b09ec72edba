"""Retirements by API: an author or an approver asks for one, and another person, an approver, grants or declines it."""

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
from evidence.models import Scope
from evidence.problems import Problem
from requirements.models import RequirementState, RetirementRequest
from requirements.selectors.requirements import find_version
from requirements.selectors.retirements import STATES, with_state
from requirements.services.retirements import RETIREMENT_STEPS, ask_retirement, settle_retirement
from requirements.services.transitions import WhatWasRead


class RetirementIn(Input):
    """Which version is to be retired, as it was read, and why."""

    system = serializers.CharField()
    key = serializers.CharField(max_length=200)
    number = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    reason = serializers.CharField()
    digest = serializers.CharField(max_length=64, help_text="Of the version as you read it.")
    from_state = serializers.ChoiceField(
        choices=RequirementState.choices, help_text="The state in which you read it."
    )


class RetirementOut(serializers.ModelSerializer[RetirementRequest]):
    """Who asked that a version is retired, why, and what became of it. The version stands while it is `waiting`."""

    system = serializers.CharField(source="version.requirement.system.key")
    key = serializers.CharField(source="version.requirement.key")
    number = serializers.IntegerField(source="version.number")
    digest = serializers.CharField(source="version.artefact_version.digest")
    from_state = serializers.ChoiceField(source="standing.to_state", choices=RequirementState.choices)
    state = serializers.SerializerMethodField()
    settled_by = serializers.SerializerMethodField()
    answer = serializers.CharField(source="dismissal.reason", allow_null=True)

    class Meta:
        model = RetirementRequest
        fields = [
            "id", "system", "version", "key", "number", "digest", "from_state", "reason", "requested_by", "created_at",
            "state", "settled_by", "answer",
        ]  # fmt: skip

    @extend_schema_field(serializers.ChoiceField(choices=STATES))
    def get_state(self, request: RetirementRequest) -> str:
        """Return where it stands; `outdated`: the version was moved to another state since."""
        found: str = vars(request)["state_now"]
        return found

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_settled_by(self, request: RetirementRequest) -> str | None:
        """Return who granted, declined or withdrew it; null where nobody has."""
        if hasattr(request, "dismissal"):
            return request.dismissal.dismissed_by
        return request.retirement.by if hasattr(request, "retirement") else None


class RetirementFilter(FilterSet):
    """Narrow a list of requested retirements; `state=waiting` is what waits for an approver."""

    system = django_filters.CharFilter("version__requirement__system__key")
    key = django_filters.CharFilter("version__requirement__key")
    state = django_filters.ChoiceFilter("state_now", choices=[(state, state) for state in STATES])

    class Meta:
        model = RetirementRequest
        fields = ["requested_by"]


class Retirements(ScopedList[RetirementRequest]):
    """List requested retirements, newest first; ask for one."""

    scopes = {"GET": Scope.READ, "POST": (Scope.READ, Scope.IMPORT)}
    queryset = with_state(RetirementRequest.objects.all()).select_related(
        "version__requirement__system", "version__artefact_version", "standing", "retirement", "dismissal"
    )
    serializer_class = RetirementOut
    filterset_class = RetirementFilter

    @extend_schema(
        request=RetirementIn,
        responses={201: RetirementOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request) -> Response:
        """Ask that a version is retired. It stands until another person, an approver, grants it."""
        data = RetirementIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        asked = ask_retirement(
            principal=principal,
            version=find_version(find_system(principal, values["system"]), values["key"], values["number"]),
            reason=values["reason"],
            read=WhatWasRead(values["digest"], values["from_state"]),
        )
        return Response(_show(asked), status=201)


class RetirementStepIn(Input):
    """What becomes of a requested retirement, and why."""

    to_state = serializers.ChoiceField(choices=list(RETIREMENT_STEPS))
    reason = serializers.CharField(required=False, default="", allow_blank=True)


class RetirementTransitions(ScopedView):
    """Settle a requested retirement: an approver, another person, confirms or declines; whoever asked withdraws.

    Declining says why.
    """

    scopes = {"POST": (Scope.READ, Scope.IMPORT)}

    @extend_schema(
        request=RetirementStepIn,
        responses={201: RetirementOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request, pk: int) -> Response:
        data = RetirementStepIn(data=request.data)
        data.is_valid(raise_exception=True)
        principal = principal_of(request)
        asked = visible_to(Retirements.queryset, principal).filter(pk=pk).first()
        if asked is None:
            raise NotFound(f"There is no requested retirement {pk} among yours.")
        settle_retirement(principal=principal, request=asked, **data.validated_data)
        return Response(_show(asked), status=201)


def _show(asked: RetirementRequest) -> object:
    return RetirementOut(Retirements.queryset.get(pk=asked.pk)).data
