"""Requirements by API: list versions, lint a sentence, move a version on."""

from __future__ import annotations

import django_filters
from django.db.models import OuterRef, Subquery
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.filtering import FilterSet
from evidence.api.inputs import Input
from evidence.api.reading import ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.models import Scope
from evidence.problems import Problem
from requirements.lint import lint_statement
from requirements.models import (
    AcceptanceCriterion,
    Baseline,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
)
from requirements.selectors.requirements import find_version
from requirements.services.transitions import transition_requirement


class CriterionOut(serializers.ModelSerializer[AcceptanceCriterion]):
    """A criterion: which check, against which threshold, on how much evidence of what age."""

    class Meta:
        model = AcceptanceCriterion
        fields = [
            "id", "key", "check_name", "parameters", "comparator", "threshold", "unit", "min_n", "max_age_days",
            "bound_confidence", "slices",
        ]  # fmt: skip


class RequirementVersionOut(serializers.ModelSerializer[RequirementVersion]):
    """A version of a requirement with its state, its criteria, and what the linter said."""

    system = serializers.CharField(source="requirement.system.key")
    key = serializers.CharField(source="requirement.key")
    digest = serializers.CharField(source="artefact_version.digest")
    state = serializers.CharField()
    criteria = CriterionOut(many=True)

    class Meta:
        model = RequirementVersion
        fields = [
            "id", "system", "key", "external_id", "number", "digest", "state", "statement", "rationale", "risk_tier",
            "layer", "owner", "review_every_days", "proposed_by", "created_at", "lint", "criteria",
        ]  # fmt: skip


class RequirementFilter(FilterSet):
    """Narrow a list of requirement versions."""

    system = django_filters.CharFilter("requirement__system__key")
    key = django_filters.CharFilter("requirement__key")
    external_id = django_filters.CharFilter("external_id")
    state = django_filters.ChoiceFilter("state", choices=RequirementState.choices)

    class Meta:
        model = RequirementVersion
        fields = ["layer", "risk_tier", "owner"]


_LAST_STATE = (
    RequirementTransition.objects.filter(version_id=OuterRef("pk"))
    .order_by("-at", "-pk")
    .values("to_state")[:1]
)


class RequirementList(ScopedList[RequirementVersion]):
    """Requirement versions, newest first."""

    queryset = (
        RequirementVersion.objects.annotate(state=Subquery(_LAST_STATE))
        .select_related("requirement__system", "artefact_version")
        .prefetch_related("criteria")
    )
    serializer_class = RequirementVersionOut
    filterset_class = RequirementFilter


class LintIn(Input):
    """A sentence to look at."""

    statement = serializers.CharField()
    language = serializers.CharField(required=False, default="en", max_length=35)


class RequirementLint(ScopedView):
    """Say what is doubtful about a statement, and how to split it; nothing is stored."""

    scopes = {"POST": Scope.READ}

    @extend_schema(request=LintIn, responses={200: OpenApiTypes.OBJECT, 422: Problem})
    def post(self, request: Request) -> Response:
        data = LintIn(data=request.data)
        data.is_valid(raise_exception=True)
        values = data.validated_data
        found = lint_statement(values["statement"], values["language"])
        return Response({"warnings": [warning.as_dict() for warning in found]})


class TransitionIn(Input):
    """Where to, and why."""

    system = serializers.CharField()
    to_state = serializers.ChoiceField(choices=RequirementState.choices)
    reason = serializers.CharField(required=False, default="", allow_blank=True)


class TransitionOut(serializers.ModelSerializer[RequirementTransition]):
    """The state a version moved to, who moved it, why, and when."""

    class Meta:
        model = RequirementTransition
        fields = ["id", "version", "to_state", "by", "reason", "at"]


class RequirementTransitions(ScopedView):
    """Move a version on. Authors propose; an approver who is another person approves, retires or sends back.

    Whoever proposed a version may take it back. Sending back, taking back and retiring say why.
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
        )
        return Response(TransitionOut(transition).data, status=201)


class BaselineOut(serializers.ModelSerializer[Baseline]):
    """A frozen set of requirement versions."""

    system = serializers.CharField(source="system.key")
    members = serializers.SerializerMethodField()

    class Meta:
        model = Baseline
        fields = ["id", "system", "name", "digest", "members", "created_by", "created_at"]

    def get_members(self, baseline: Baseline) -> list[str]:
        """Return the members as `<key> v<number>`."""
        members = baseline.members.select_related("version__requirement").order_by(
            "version__requirement__key"
        )
        return [str(member.version) for member in members]


class BaselineList(ScopedList[Baseline]):
    """Baselines, newest first."""

    queryset = Baseline.objects.select_related("system")
    serializer_class = BaselineOut
    filterset_fields = ["name"]
