"""The worst samples of an eval run, by metric: what a CI points at where a gate keeps a release out."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import principal_of, visible_to
from evidence.api.inputs import QueryInput
from evidence.api.scoped_view import ScopedView
from evidence.errors import NotFound
from evidence.evals.contracts import Direction
from evidence.models import EvalRun, EvalSample, Scope
from evidence.problems import Problem
from evidence.selectors.eval_results import worst_of_each_metric
from evidence.vocabulary import choices_of

MOST: Final = 10  # samples of each metric


class WorstSamplesQuery(QueryInput):
    """In which part of the run: a dimension of its slices with the value of it, or the whole."""

    dimension = serializers.CharField(required=False, default="")
    value = serializers.CharField(required=False, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """See that neither stands without the other."""
        for name, other in (("dimension", "value"), ("value", "dimension")):
            if attrs[name] and not attrs[other]:
                raise serializers.ValidationError({other: f"is needed beside {name}"}, code="required")
        return attrs


class WorstSampleOut(serializers.ModelSerializer[EvalSample]):
    """A scored sample, without its texts: those are on the page of the run."""

    class Meta:
        model = EvalSample
        fields = ["sample_id", "value", "slice"]


class WorstOfMetricOut(serializers.Serializer[Any]):
    """The samples farthest on the wrong side of a metric, worst first; of a share none that is at the better end."""

    metric = serializers.CharField()
    unit = serializers.CharField()
    direction = serializers.ChoiceField(choices=choices_of(Direction))
    samples = WorstSampleOut(many=True)


class WorstSamplesOut(serializers.Serializer[Any]):
    """The worst samples of each metric of a run, ten at most."""

    metrics = WorstOfMetricOut(many=True)


class WorstSamples(ScopedView):
    """The worst samples of a run. Who may ask a gate may ask for them: their ids came from CI."""

    scopes = {"GET": (Scope.READ, Scope.GATE)}
    queries = {"GET": WorstSamplesQuery}

    @extend_schema(responses={200: WorstSamplesOut, 404: Problem, 422: Problem})
    def get(self, request: Request, pk: int) -> Response:
        """Answer with the worst samples of each metric, in a part of the run or the whole."""
        run = visible_to(EvalRun.objects.filter(pk=pk), principal_of(request)).first()
        if run is None:
            raise NotFound(f"There is no eval run {pk} among yours.")
        dimension = self.query["dimension"]
        where = {dimension: self.query["value"]} if dimension else {}
        told = [
            {"metric": score.metric, "unit": score.unit, "direction": score.direction, "samples": samples}
            for score, samples in worst_of_each_metric(run, MOST, where)
        ]
        return Response(WorstSamplesOut({"metrics": told}).data)
