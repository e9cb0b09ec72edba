"""Moving a requirement version on by API, with what was read to decide it."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.inputs import Input, InputList
from evidence.api.scoped_view import ScopedView
from evidence.models import Scope
from evidence.problems import Problem
from requirements.models import Change, RequirementState, RequirementTransition
from requirements.selectors.requirements import find_version
from requirements.services.transitions import WhatWasRead, transition_requirement


class TransitionIn(Input):
    """Where to, why, and what was read to decide it."""

    system = serializers.CharField()
    to_state = serializers.ChoiceField(choices=RequirementState.choices)
    reason = serializers.CharField(
        required=False, default="", allow_blank=True, help_text="Needed to send or take a version back."
    )
    digest = serializers.CharField(
        required=False,
        default="",
        max_length=64,
        help_text="Of the version as you read it. Needed to approve and to send or take back.",
    )
    from_state = serializers.ChoiceField(
        choices=RequirementState.choices,
        required=False,
        default="",
        help_text="The state in which you read it. Needed to approve and to send or take back.",
    )
    warnings_read = InputList(
        child=serializers.CharField(max_length=300),
        required=False,
        default=list,
        limit="MAX_FREE_VALUES",
        help_text="To approve: each warning in `lint`, as `<code>@<where>`.",
    )
    change = serializers.ChoiceField(
        choices=Change.choices,
        required=False,
        default="",
        help_text="To propose: what the change is. To approve: `editorial` confirms that it is.",
    )


class TransitionOut(serializers.ModelSerializer[RequirementTransition]):
    """The state a version moved to, who moved it, why, when, and which warnings they had read."""

    class Meta:
        model = RequirementTransition
        fields = [
            "id",
            "version",
            "to_state",
            "by",
            "reason",
            "at",
            "change",
            "fingerprint",
            "warnings_read",
            "request",
        ]


class RequirementTransitions(ScopedView):
    """Move a version on. Authors propose; an approver who is another person approves or sends back.

    Whoever proposed a version may take it back. Sending and taking back say why. Who approves, or sends or takes back,
    names the `digest` and the `from_state` that they read: 409 says what stands where that is something else, or who
    decided first. A version is retired by two people: `POST /api/v1/retirements`.
    """

    scopes = {"POST": (Scope.READ, Scope.IMPORT)}

    @extend_schema(
        request=TransitionIn, responses={201: TransitionOut, 403: Problem, 409: Problem, 422: Problem}
    )
    def post(self, request: Request, key: str, number: int) -> Response:
        data = TransitionIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        transition = transition_requirement(
            principal=principal,
            version=find_version(find_system(principal, values["system"]), key, number),
            to_state=values["to_state"],
            reason=values["reason"],
            read=WhatWasRead(values["digest"], values["from_state"], tuple(values["warnings_read"])),
            change=values["change"],
        )
        return Response(TransitionOut(transition).data, status=201)
