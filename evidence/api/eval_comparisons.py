"""Two eval runs beside each other: is the candidate worse than the baseline, and how sure is that?"""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import Principal, find_system, principal_of, visible_to
from evidence.api.inputs import QueryInput
from evidence.api.scoped_view import ScopedView
from evidence.errors import NotFound
from evidence.models import EvalRun, Scope, System
from evidence.problems import Problem
from evidence.selectors.eval_comparisons import MetricComparison, compare_runs
from evidence.statistics.comparison import Claim, Outcome
from evidence.vocabulary import choices_of

MAX_LISTED: Final = 1_000  # items of each list; the counts are of all
CLAIMS: Final = choices_of(Claim)
OUTCOMES: Final = choices_of(Outcome)


class EvalComparisonQuery(QueryInput):
    """Which two runs, and how much worse is not worse yet."""

    system = serializers.CharField()
    baseline = serializers.CharField(help_text="Run key of the run to compare with.")
    candidate = serializers.CharField(help_text="Run key of the run that is asked about.")
    metric = serializers.CharField(
        required=False, default=None, help_text="all that both runs have unless stated"
    )
    margin = serializers.FloatField(
        required=False, default=None, help_text="how much worse is not worse yet, in the unit of the metric"
    )


class ComparedRunOut(serializers.ModelSerializer[EvalRun]):
    """One of the two runs."""

    release = serializers.CharField(source="release.name", allow_null=True)

    class Meta:
        model = EvalRun
        fields = ["id", "run_key", "release", "status", "commit", "observed_to"]


class DifferenceOut(serializers.Serializer[Any]):
    """A mean improvement: above 0 is better. Each bound is wrong with a chance of alpha."""

    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    p_value = serializers.FloatField(allow_null=True, help_text="Of no difference, two-sided.")
    detectable = serializers.FloatField(
        allow_null=True, help_text="Smallest difference that would have been shown four times in five."
    )
    method = serializers.CharField()
    test = serializers.CharField()


class ItemsOut(serializers.Serializer[Any]):
    """How many items, and which: at most a thousand of them."""

    n = serializers.IntegerField()
    items = serializers.ListField(child=serializers.CharField())


class ComparedSliceOut(serializers.Serializer[Any]):
    """The same within a slice, worst first; p and q are corrected for the number of slices."""

    name = serializers.CharField()
    n = serializers.IntegerField()
    improvement = DifferenceOut(allow_null=True)
    p_holm = serializers.FloatField(allow_null=True)
    q = serializers.FloatField(allow_null=True)


class MetricComparisonOut(serializers.Serializer[Any]):
    """One metric of both runs. Lists of items decide nothing."""

    metric = serializers.CharField()
    unit = serializers.CharField()
    higher_is_better = serializers.BooleanField()
    paired = serializers.BooleanField(help_text="Items are compared by their id.")
    n = serializers.IntegerField(help_text="Items compared.")
    units = serializers.IntegerField(help_text="Independent units among them.")
    baseline = serializers.FloatField(allow_null=True)
    candidate = serializers.FloatField(allow_null=True)
    improvement = DifferenceOut(allow_null=True)
    alpha = serializers.FloatField()
    outcome = serializers.ChoiceField(choices=OUTCOMES, allow_null=True)
    margin = serializers.FloatField(allow_null=True)
    non_inferior = serializers.ChoiceField(choices=CLAIMS, allow_null=True)
    equivalent = serializers.ChoiceField(choices=CLAIMS, allow_null=True)
    only_baseline = ItemsOut()
    only_candidate = ItemsOut()
    neither = ItemsOut()
    newly_failing = ItemsOut()
    newly_passing = ItemsOut()
    flaky = ItemsOut()
    slices = ComparedSliceOut(many=True)


class EvalComparisonOut(serializers.Serializer[Any]):
    """Two runs, and what both measured."""

    baseline = ComparedRunOut()
    candidate = ComparedRunOut()
    metrics = MetricComparisonOut(many=True)
    unshared = serializers.ListField(child=serializers.CharField(), help_text="Metrics of one run alone.")


class EvalComparisonDetail(ScopedView):
    """Compare a candidate run with a baseline run. Refused where evaluator or dataset differ."""

    scopes = {"GET": Scope.READ}
    queries = {"GET": EvalComparisonQuery}

    @extend_schema(responses={200: EvalComparisonOut, 404: Problem, 409: Problem, 422: Problem})
    def get(self, request: Request) -> Response:
        principal = principal_of(request)
        system = find_system(principal, self.query["system"])
        found = compare_runs(
            _find_run(principal, system, self.query["baseline"]),
            _find_run(principal, system, self.query["candidate"]),
            metric=self.query["metric"],
            margin=self.query["margin"],
        )
        told = {
            "baseline": found.baseline,
            "candidate": found.candidate,
            "metrics": [_told(each) for each in found.metrics],
            "unshared": found.unshared,
        }
        return Response(EvalComparisonOut(told).data)


def _find_run(principal: Principal, system: System, run_key: str) -> EvalRun:
    runs = EvalRun.objects.filter(system=system, run_key=run_key)
    run = visible_to(runs.select_related("release", "evaluator", "dataset"), principal).first()
    if run is None:
        raise NotFound(f"There is no eval run {run_key!r} of {system.key} among yours.")
    return run


def _told(compared: MetricComparison) -> dict[str, Any]:
    """Return a comparison with its lists cut, each beside its count."""
    found = compared.comparison
    lists = ("only_baseline", "only_candidate", "neither", "newly_failing", "newly_passing", "flaky")
    plain = ("paired", "n", "units", "baseline", "candidate", "improvement", "alpha", "outcome", "margin",
             "non_inferior", "equivalent", "slices")  # fmt: skip
    return {
        "metric": compared.metric,
        "unit": compared.unit,
        "higher_is_better": compared.higher_is_better,
        **{name: getattr(found, name) for name in plain},
        **{name: {"n": len(items := getattr(found, name)), "items": items[:MAX_LISTED]} for name in lists},
    }
