"""Assessments by API: assess a release against what is approved, and list what was found."""

from __future__ import annotations

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence import clock
from evidence.access import find_system, principal_of
from evidence.api.filtering import FilterSet
from evidence.api.inputs import Input
from evidence.api.reading import ScopedDetail, ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.models import Scope
from evidence.problems import Problem
from evidence.services import registry
from evidence.vocabulary import CriterionVerdict
from requirements.checks import Check, known_checks
from requirements.models import Assessment
from requirements.selectors.observations import worst_observations
from requirements.selectors.requirements import approved_versions, baseline_versions
from requirements.selectors.standings import standing
from requirements.services.assessment import assess_release


class StandingOut(serializers.Serializer[Any]):
    """Verdict and freshness, apart: met and stale is neither a pass nor not met."""

    verdict = serializers.ChoiceField(
        choices=[each for each in CriterionVerdict.choices() if each[0] != CriterionVerdict.STALE],
        help_text="what all that was observed comes to, whatever its age",
    )
    is_stale = serializers.BooleanField(help_text="whether that is too old now")
    stale_since = serializers.DateTimeField(allow_null=True)
    is_pass = serializers.BooleanField(help_text="met, and not stale")


class AssessmentOut(serializers.ModelSerializer[Assessment]):
    """A verdict with its number; `low` and `high` are one-sided bounds at `bound_confidence`."""

    criterion = serializers.CharField()
    requirement = serializers.CharField(source="criterion.version")
    system = serializers.CharField(source="release.system.key")
    release = serializers.CharField(source="release.name")
    standing = serializers.SerializerMethodField()

    class Meta:
        model = Assessment
        fields = [
            "id", "system", "release", "requirement", "criterion", "as_of", "verdict", "standing", "detail", "value",
            "unit", "direction", "n", "low", "high", "bound_confidence", "observed_from", "observed_to", "slices",
            "inputs_digest", "code_version", "created_at",
        ]  # fmt: skip

    @extend_schema_field(StandingOut)
    def get_standing(self, assessment: Assessment) -> dict[str, Any]:
        """Return what the criterion came to, and whether that is recent now: two things."""
        return dict(StandingOut(standing(assessment, clock.now())).data)


class ObservationOut(serializers.Serializer[Any]):
    """One stored row that speaks against the criterion."""

    kind = serializers.CharField(
        help_text="trace, claim, citation, review, reviewtask, tracedocument, evalsample"
    )
    id = serializers.CharField(source="row.pk")
    name = serializers.CharField(help_text="the trace with its revision, or the sample")
    says = serializers.CharField(help_text="what of it speaks against the criterion, where the row says it")
    href = serializers.CharField(help_text="where it is read; empty where it has no address of its own")


class AssessmentFilter(FilterSet):
    """Narrow a list of assessments."""

    system = django_filters.CharFilter("release__system__key")
    release = django_filters.CharFilter("release__name")
    requirement = django_filters.CharFilter("criterion__version__requirement__key")

    class Meta:
        model = Assessment
        fields = ["verdict"]


class AssessIn(Input):
    """Which release, against a baseline or against everything approved, as of when."""

    system = serializers.CharField()
    release = serializers.CharField()
    baseline = serializers.CharField(required=False, default="")
    as_of = serializers.DateTimeField(required=False)


class Assessments(ScopedList[Assessment]):
    """List assessments; assess a release. The same facts again answer with the same rows."""

    scopes = {"GET": Scope.READ, "POST": Scope.GATE}
    queryset = Assessment.objects.select_related("criterion__version__requirement", "release__system")
    serializer_class = AssessmentOut
    filterset_class = AssessmentFilter

    @extend_schema(request=AssessIn, responses={201: AssessmentOut(many=True), 404: Problem, 422: Problem})
    def post(self, request: Request) -> Response:
        """Judge each criterion of a baseline, or of everything approved, as of a time, by default now."""
        data = AssessIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        system = find_system(principal, values["system"])
        as_of = clock.as_of_asked_for(values.get("as_of"))
        named = values["baseline"]
        assessments = assess_release(
            principal=principal,
            release=registry.find_release(system, values["release"]),
            versions=baseline_versions(system, named, as_of) if named else approved_versions(system, as_of),
            as_of=as_of,
        )
        return Response(AssessmentOut(assessments, many=True).data, status=201)


class AssessmentObservations(ScopedDetail[Assessment]):
    """The worst ten observations of an assessment, of those that whoever asks may see."""

    queryset = Assessment.objects.select_related("criterion", "release")
    serializer_class = ObservationOut

    @extend_schema(responses={200: ObservationOut(many=True), 404: Problem})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return them worst first: samples by their value, everything else that is not good newest first."""
        del args, kwargs
        found = worst_observations(self.get_object(), principal_of(request))
        return Response(ObservationOut(found, many=True).data)


class CheckOut(serializers.Serializer[Any]):
    """What a check measures, in both languages, and the parameters it takes."""

    name = serializers.CharField()
    version = serializers.CharField()
    title = serializers.SerializerMethodField()
    measures = serializers.SerializerMethodField()
    unit = serializers.CharField(allow_null=True)
    direction = serializers.CharField(allow_null=True)
    unit_of_independence = serializers.CharField(source="independent", help_text="what its bounds count")
    reads = serializers.ListField(child=serializers.CharField(), help_text="the nouns whose rows it counts")
    parameters = serializers.JSONField()

    def get_title(self, check: Check) -> dict[str, str]:
        """Return the title by language."""
        return {"en": check.title.en, "zh-Hans": check.title.zh}

    def get_measures(self, check: Check) -> dict[str, str]:
        """Return what is counted, by language."""
        return {"en": check.measures.en, "zh-Hans": check.measures.zh}


class CheckList(ScopedView):
    """The checks a criterion can name."""

    scopes = {"GET": Scope.READ}

    @extend_schema(responses={200: CheckOut(many=True)})
    def get(self, request: Request) -> Response:
        del request
        return Response(CheckOut([check for _, check in sorted(known_checks().items())], many=True).data)
