"""Baselines by API: freeze one across files, compare two, sign one off."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence import clock
from evidence.access import find_system, principal_of
from evidence.api.inputs import Input, QueryInput
from evidence.api.scoped_view import ScopedView
from evidence.errors import InvalidInput
from evidence.models import Scope
from evidence.problems import Problem
from requirements import acts
from requirements.api.requirements import BaselineList, BaselineOut
from requirements.models import BaselineSignOff, RequirementVersion
from requirements.selectors.baselines import compare_baselines, find_baseline
from requirements.selectors.requirements import approved_versions, find_versions
from requirements.services.baselines import freeze_baseline, sign_off_baseline


class MemberIn(Input):
    """A requirement version to freeze."""

    key = serializers.CharField(max_length=100)
    version = serializers.IntegerField(
        required=False, default=None, min_value=1, max_value=2**31 - 1, help_text="the newest unless stated"
    )


class BaselineIn(Input):
    """A set to freeze: these members, or everything that is approved now."""

    system = serializers.CharField()
    name = serializers.SlugField(max_length=100)
    members = MemberIn.listed(limit="MAX_REQUIREMENTS", required=False, default=list)
    all_approved = serializers.BooleanField(required=False, default=False)


class Baselines(BaselineList):
    """List baselines, newest first; freeze one, whichever files its members came from."""

    scopes = {"GET": Scope.READ, "POST": Scope.IMPORT}

    @extend_schema(request=BaselineIn, responses={201: BaselineOut, 404: Problem, 409: Problem, 422: Problem})
    def post(self, request: Request) -> Response:
        """Freeze a set of requirement versions under a name. The same set again answers the same."""
        data = BaselineIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        system = find_system(principal, values["system"])
        acts.check_can_import_requirements(principal, system)
        if bool(values["members"]) == values["all_approved"]:
            raise InvalidInput("Name the `members` of the baseline, or say `all_approved`: one of them.")
        versions = (
            approved_versions(system, clock.read_moment())
            if values["all_approved"]
            else find_versions(system, [(each["key"], each["version"]) for each in values["members"]])
        )
        baseline = freeze_baseline(principal=principal, system=system, name=values["name"], versions=versions)
        return Response(BaselineOut(self.queryset.get(pk=baseline.pk)).data, status=201)


class DiffQuery(QueryInput):
    """Which two baselines."""

    system = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class DiffVersionOut(serializers.ModelSerializer[RequirementVersion]):
    """A requirement version of one of the two."""

    key = serializers.CharField(source="requirement.key")
    version = serializers.IntegerField(source="number")
    digest = serializers.CharField(source="artefact_version.digest")

    class Meta:
        model = RequirementVersion
        fields = ["key", "version", "digest", "statement"]


class DiffChangeOut(serializers.Serializer[Any]):
    """A requirement that both hold, in two versions."""

    before = DiffVersionOut()
    after = DiffVersionOut()


class DiffOut(serializers.Serializer[Any]):
    """What differs between two baselines."""

    before = serializers.CharField()
    after = serializers.CharField()
    n_same = serializers.IntegerField()
    added = DiffVersionOut(many=True)
    removed = DiffVersionOut(many=True)
    changed = DiffChangeOut(many=True)


class BaselineDiff(ScopedView):
    """Say which requirement versions two baselines do not share."""

    scopes = {"GET": Scope.READ}
    queries = {"GET": DiffQuery}

    @extend_schema(responses={200: DiffOut, 404: Problem, 422: Problem})
    def get(self, request: Request) -> Response:
        system = find_system(principal_of(request), self.query["system"])
        before, after = (find_baseline(system, self.query[name]) for name in ("before", "after"))
        found = compare_baselines(before, after)
        changed = [{"before": one, "after": other} for one, other in found.changed]
        told = {"added": found.added, "removed": found.removed, "changed": changed, "n_same": found.n_same}
        return Response(DiffOut({"before": before.name, "after": after.name, **told}).data)


class SignOffIn(Input):
    """Which baseline was read: its digest."""

    system = serializers.CharField()
    digest = serializers.RegexField(r"^[0-9a-f]{64}$")
    reason = serializers.CharField(required=False, default="", allow_blank=True)


class SignOffOut(serializers.ModelSerializer[BaselineSignOff]):
    """Who agreed to a baseline, to which digest, why, when."""

    baseline = serializers.CharField(source="baseline.name")

    class Meta:
        model = BaselineSignOff
        fields = ["id", "baseline", "digest", "reason", "signed_by", "created_at"]


class BaselineSignOffs(ScopedView):
    """Sign a baseline off: an approver who did not freeze it."""

    scopes = {"POST": (Scope.READ, Scope.IMPORT)}

    @extend_schema(
        request=SignOffIn, responses={201: SignOffOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem}
    )
    def post(self, request: Request, name: str) -> Response:
        data = SignOffIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        sign_off = sign_off_baseline(
            principal=principal, baseline=find_baseline(find_system(principal, values["system"]), name),
            digest=values["digest"], reason=values["reason"],
        )  # fmt: skip
        return Response(SignOffOut(sign_off).data, status=201)
