"""Requirements by API: list versions, lint a sentence. How a version is moved on: `transitions`; files: `imports`."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import OuterRef, Prefetch, Subquery, Value
from django.db.models.functions import Coalesce
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

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
    BaselineMember,
    Change,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
)
from requirements.selectors.wording import with_fingerprint


class CriterionOut(serializers.ModelSerializer[AcceptanceCriterion]):
    """A criterion: which check, against which threshold, on how much evidence of what age."""

    class Meta:
        model = AcceptanceCriterion
        fields = [
            "id", "key", "check_name", "parameters", "comparator", "threshold", "unit", "min_n", "max_age_days",
            "bound_confidence", "slices",
        ]  # fmt: skip


class RequirementVersionOut(serializers.ModelSerializer[RequirementVersion]):
    """A version of a requirement with its state, its criteria, what the linter said, and the fingerprint in force.

    `change` is what the author says it is against the version before; `fingerprint` is what links compare.
    """

    system = serializers.CharField(source="requirement.system.key")
    key = serializers.CharField(source="requirement.key")
    digest = serializers.CharField(source="artefact_version.digest")
    state = serializers.CharField()
    change = serializers.ChoiceField(choices=Change.choices)
    fingerprint = serializers.CharField(source="fingerprint_now")
    criteria = CriterionOut(many=True)
    lint_not_covered = serializers.SerializerMethodField(
        help_text="languages of the statement whose words the linter has no rules for"
    )

    class Meta:
        model = RequirementVersion
        fields = [
            "id", "system", "key", "external_id", "number", "digest", "state", "change", "fingerprint", "statement",
            "rationale", "risk_tier", "layer", "owner", "review_every_days", "proposed_by", "created_at", "lint",
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
_SAID_LAST = (
    RequirementTransition.objects.filter(
        version_id=OuterRef("pk"), to_state__in=[RequirementState.DRAFT, RequirementState.IN_REVIEW]
    )
    .exclude(change="")
    .order_by("-at", "-pk")
    .values("change")[:1]
)


class RequirementList(ScopedList[RequirementVersion]):
    """Requirement versions, newest first."""

    queryset = (
        with_fingerprint(
            RequirementVersion.objects.annotate(
                state=Subquery(_LAST_STATE),
                change=Coalesce(Subquery(_SAID_LAST), Value(Change.SUBSTANTIVE.value)),
            )
        )
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


class BaselineOut(serializers.ModelSerializer[Baseline]):
    """A frozen set of requirement versions."""

    system = serializers.CharField(source="system.key")
    members = serializers.SerializerMethodField()

    class Meta:
        model = Baseline
        fields = ["id", "system", "name", "digest", "members", "created_by", "created_at"]

    def get_members(self, baseline: Baseline) -> list[str]:
        """Return the members as `<key> v<number>`."""
        return [str(member.version) for member in baseline.members.all()]


class BaselineList(ScopedList[Baseline]):
    """Baselines, newest first."""

    queryset = Baseline.objects.select_related("system").prefetch_related(
        Prefetch(
            "members",
            BaselineMember.objects.select_related("version__requirement").order_by(
                "version__requirement__key"
            ),
        )
    )
    serializer_class = BaselineOut
    filterset_fields = ["name"]
