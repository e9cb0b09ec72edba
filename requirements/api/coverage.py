"""Coverage by API, as JSON, CSV and HTML: the same rows in each, from one selector."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from django.http import HttpResponse
from django.template.loader import render_to_string
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.inputs import QueryInput
from evidence.api.scoped_view import ScopedView
from evidence.models import Scope
from evidence.problems import Problem
from evidence.services import registry
from evidence.vocabulary import CriterionVerdict, Layer
from requirements import acts
from requirements.coverage_file import coverage_csv
from requirements.covered import Judged, Standing
from requirements.selectors.baselines import find_baseline
from requirements.selectors.coverage import Coverage, CoveredRequirement, cover, layer_map

_TIME: Final = serializers.DateTimeField(default_timezone=UTC)
STANDINGS = [each.value for each in Standing]


class CoverageQuery(QueryInput):
    """Of which release, of everything approved or of a baseline."""

    system = serializers.CharField()
    release = serializers.CharField()
    baseline = serializers.CharField(required=False, default="")


class JudgedOut(serializers.Serializer[Judged]):
    """A criterion with its last assessment; `low` and `high` are one-sided bounds at `bound_confidence`."""

    key = serializers.CharField()
    check_name = serializers.CharField(source="check")
    suite = serializers.CharField(help_text="that it reads; empty: none")
    verdict = serializers.CharField(help_text="empty: it was never assessed for this release")
    detail = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    unit = serializers.CharField()
    n = serializers.IntegerField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    bound_confidence = serializers.FloatField(allow_null=True)
    observed_to = serializers.DateTimeField(allow_null=True)
    assessed_as_of = serializers.DateTimeField(allow_null=True)
    stale_since = serializers.CharField(
        allow_null=True, help_text="since when its evidence is too old; null: it is not"
    )


class CoveredOut(serializers.Serializer[CoveredRequirement]):
    """A requirement, and what it comes to for the release."""

    key = serializers.CharField()
    version = serializers.IntegerField(source="number")
    layer = serializers.CharField()
    risk_tier = serializers.CharField()
    standing = serializers.ChoiceField(choices=STANDINGS)
    covered = serializers.BooleanField(source="is_covered")
    n = serializers.IntegerField(help_text="observations of the criterion that has the fewest")
    suspect_because = serializers.ListField(child=serializers.CharField())
    mapped = serializers.IntegerField(help_text="how many criteria it has")
    met = serializers.IntegerField(help_text="how many of them are met by evidence that still counts")
    missing = serializers.ListField(
        child=serializers.CharField(), help_text="those of which nothing is known"
    )
    stale = serializers.ListField(child=serializers.CharField(), help_text="those whose evidence is too old")
    criteria = JudgedOut(many=True)


class CoverageCountsOut(serializers.Serializer[Any]):
    """How many requirements: all, covered, not covered."""

    total = serializers.IntegerField()
    covered = serializers.IntegerField()
    uncovered = serializers.IntegerField()


class LayerOut(serializers.Serializer[Any]):
    """A layer of explanation: how many requirements it has, how many are covered, what they come to."""

    layer = serializers.CharField()
    total = serializers.IntegerField()
    covered = serializers.IntegerField()
    standings = serializers.DictField(child=serializers.IntegerField())
    supporting_only = serializers.BooleanField(
        help_text="what it shows supports or counters, and covers nothing"
    )


class IdleSuiteOut(serializers.Serializer[Any]):
    """A suite that no link and no criterion in force names."""

    key = serializers.CharField()
    run_keys = serializers.ListField(child=serializers.CharField())


class CoverageOut(serializers.Serializer[Any]):
    """What of a release is covered, what stands alone, and what verifies nothing."""

    system = serializers.CharField()
    release = serializers.CharField()
    baseline = serializers.CharField()
    at = serializers.DateTimeField()
    counts = CoverageCountsOut()
    standings = serializers.DictField(child=serializers.IntegerField())
    layers = LayerOut(many=True)
    uncovered = serializers.ListField(child=serializers.CharField())
    requirements_without_downstream = serializers.ListField(child=serializers.CharField())
    suites_that_verify_nothing = IdleSuiteOut(many=True)
    requirements = CoveredOut(many=True)


class CoverageView(ScopedView):
    """Say what of a release is covered: each approved requirement, or each of a baseline, with why."""

    scopes = {"GET": (Scope.READ, Scope.GATE)}
    queries = {"GET": CoverageQuery}

    @extend_schema(responses={200: CoverageOut, 404: Problem, 422: Problem})
    def get(self, request: Request) -> Response:
        coverage = read_coverage(request, self.query)
        return Response(as_told(coverage))


class CoverageCsv(ScopedView):
    """The same as CSV: a line for each criterion, and one for each requirement that has none."""

    scopes = CoverageView.scopes
    queries = CoverageView.queries

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR, 404: Problem, 422: Problem})
    def get(self, request: Request) -> HttpResponse:
        coverage = read_coverage(request, self.query)
        return HttpResponse(coverage_csv(coverage), content_type="text/csv; charset=utf-8")


class CoverageHtml(ScopedView):
    """The same as one page that stands alone: to be sent, printed, kept."""

    scopes = CoverageView.scopes
    queries = CoverageView.queries

    @extend_schema(responses={(200, "text/html"): OpenApiTypes.STR, 404: Problem, 422: Problem})
    def get(self, request: Request) -> HttpResponse:
        coverage = read_coverage(request, self.query)
        told = {"coverage": coverage, "layers": layer_map(coverage), "standings": list(Standing)}
        return HttpResponse(render_to_string("pages/coverage_alone.html", told))


def read_coverage(request: Request, asked: dict[str, Any]) -> Coverage:
    """Return what a request asks for, if whoever asks may know all that is counted in it."""
    principal = principal_of(request)
    system = find_system(principal, asked["system"])
    acts.check_can_read_links(principal, system)
    release = registry.find_release(system, asked["release"])
    baseline = find_baseline(system, asked["baseline"]) if asked["baseline"] else None
    coverage = cover(release, baseline)
    acts.check_can_read_coverage(principal, release, counts_reviews=coverage.counts_reviews)
    return coverage


def as_told(coverage: Coverage) -> dict[str, Any]:
    """Return coverage as `CoverageOut` says; every number is the length of a list."""
    return {
        "system": coverage.release.system.key,
        "release": coverage.release.name,
        "baseline": coverage.baseline,
        "at": _told_time(coverage.at),
        "counts": {
            "total": len(coverage.requirements),
            "covered": len(coverage.covered),
            "uncovered": len(coverage.uncovered),
        },
        "standings": {standing.value: n for standing, n in coverage.by_standing().items()},
        "layers": [
            {
                "layer": layer.value,
                "total": total,
                "covered": covered,
                "standings": {standing.value: n for standing, n in counted.items()},
                "supporting_only": layer is Layer.MECHANISTIC,
            }
            for layer, total, covered, counted in layer_map(coverage)
        ],
        "uncovered": [each.key for each in coverage.uncovered],
        "requirements_without_downstream": [each.key for each in coverage.orphans],
        "suites_that_verify_nothing": [
            {"key": suite.key, "run_keys": list(suite.run_keys)} for suite in coverage.idle_suites
        ],
        "requirements": [_told_requirement(each) for each in coverage.requirements],
    }


def _told_requirement(one: CoveredRequirement) -> dict[str, Any]:
    """Return a requirement as `CoveredOut` says."""
    aged = one.aged
    stale = {each.key for each, since in aged if since is not None}
    return {
        "key": one.key,
        "version": one.number,
        "layer": one.layer,
        "risk_tier": one.risk_tier,
        "standing": one.standing.value,
        "covered": one.is_covered,
        "n": one.n,
        "suspect_because": list(one.suspect_because),
        "mapped": len(one.criteria),
        "met": sum(each.verdict == CriterionVerdict.MET and each.key not in stale for each in one.criteria),
        "missing": [each.key for each in one.criteria if each.is_missing],
        "stale": [each.key for each in one.criteria if each.key in stale],
        "criteria": [_told_criterion(each, since) for each, since in aged],
    }


def _told_criterion(judged: Judged, since: datetime | None) -> dict[str, Any]:
    return {
        "key": judged.key,
        "check_name": judged.check,
        "suite": judged.suite,
        "verdict": judged.verdict,
        "detail": judged.detail,
        "value": judged.value,
        "unit": judged.unit,
        "n": judged.n,
        "low": judged.low,
        "high": judged.high,
        "bound_confidence": judged.bound_confidence,
        "observed_to": _told_time(judged.observed_to),
        "assessed_as_of": _told_time(judged.assessed_as_of),
        "stale_since": since.isoformat() if since else None,
    }


def _told_time(moment: datetime | None) -> str | None:
    """Return a time as all answers of the API write one."""
    return None if moment is None else str(_TIME.to_representation(moment))
