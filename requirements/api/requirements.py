"""Requirements by API: list versions, lint a sentence, move a version on."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import OuterRef, Subquery
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
from requirements.lint import lint_statement, not_covered
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
    lint_not_covered = serializers.SerializerMethodField(
        help_text="languages of the statement whose words the linter has no rules for"
    )

    class Meta:
        model = RequirementVersion
        fields = [
            "id", "system", "key", "external_id", "number", "digest", "state", "statement", "rationale", "risk_tier",
            "layer", "owner", "review_every_days", "proposed_by", "created_at", "lint",
            "lint_not_covered", "criteria",
        ]  # fmt: skip

    def get_lint_not_covered(self, version: RequirementVersion) -> list[str]:
        return not_covered(version.statement)


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


class LintWarningOut(serializers.Serializer[Any]):
    """One doubt, why, and what would settle it, in the language of the text."""

    code = serializers.CharField(help_text="the rule: docs/reference/lint.md lists them")
    where = serializers.CharField()
    message = serializers.CharField()
    suggestion = serializers.CharField(help_text="a rewrite, or what to add")
    language = serializers.CharField()
    start = serializers.IntegerField(allow_null=True, help_text="first character it is about, from 0")
    end = serializers.IntegerField(allow_null=True, help_text="after the last character it is about")


class LintOut(serializers.Serializer[Any]):
    """What the linter says of a sentence."""

    warnings = LintWarningOut(many=True)
    not_covered = serializers.ListField(
        child=serializers.CharField(), help_text="the language, where the linter has no rules for it"
    )


class RequirementLint(ScopedView):
    """Say what is doubtful about a statement, and how to split it; nothing is stored."""

    scopes = {"POST": Scope.READ}

    @extend_schema(request=LintIn, responses={200: LintOut, 422: Problem})
    def post(self, request: Request) -> Response:
        data = LintIn(data=request.data)
        data.is_valid(raise_exception=True)
        values = data.validated_data
        found = lint_statement(values["statement"], values["language"])
        uncovered = not_covered({values["language"]: values["statement"]})
        answer = {"warnings": [warning.as_dict() for warning in found], "not_covered": uncovered}
        return Response(LintOut(answer).data)


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
