"""Probe runs by API: ask for one or for a plan of several, follow them, cancel one.

Without `interpret.view_internals` there are none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of, visible_to
from evidence.api.filtering import FilterSet
from evidence.api.inputs import FreeObject, Input
from evidence.api.reading import ScopedDetail, ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.errors import NotFound
from evidence.limits import excess
from evidence.models import Scope
from evidence.problems import Problem
from evidence.services.registry import find_release
from interpret.contracts import ProbeInput
from interpret.models import ProbeRun
from interpret.selectors.progress import progress_of, with_progress
from interpret.services.queueing import (
    AskedProbe,
    cancel_probe_run,
    queue_probe_plan,
    queue_probe_run,
)


class ProbeInputIn(Input):
    """A prompt for a probe that reads some."""

    id = serializers.CharField(max_length=200)
    text = serializers.CharField(trim_whitespace=False)
    language = serializers.CharField(max_length=35, help_text="BCP 47, as en or zh-Hans.")
    continuation = serializers.CharField(
        required=False, allow_null=True, default=None, trim_whitespace=False, help_text="Measured, if given."
    )
    instruction = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    cluster = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=200,
        help_text="What texts that depend on each other share: a template, a document, a trace.",
    )  # fmt: skip


class ProbeRunIn(Input):
    """What to measure, on which release."""

    system = serializers.CharField()
    release = serializers.CharField()
    probe = serializers.CharField(help_text="A name from docs/reference/probes.md.")
    parameters = FreeObject(required=False, default=dict, help_text="Over the probe's defaults.")
    seed = serializers.IntegerField(required=False, default=0, min_value=0)
    inputs = ProbeInputIn.listed(
        limit="MAX_PROBE_INPUTS", required=False, allow_null=True, default=None,
        help_text="Prompts; without them those of the release's newest traces.",
    )  # fmt: skip


class PlannedProbeIn(Input):
    """A probe of a plan."""

    probe = serializers.CharField(help_text="A name from docs/reference/probes.md.")
    parameters = FreeObject(required=False, default=dict, help_text="Over the probe's defaults.")
    seed = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=0, help_text="Without it, that of the plan."
    )
    inputs = ProbeInputIn.listed(
        limit="MAX_PROBE_INPUTS", required=False, allow_null=True, default=None,
        help_text="Prompts; without them those of the plan.",
    )  # fmt: skip


class ProbePlanIn(Input):
    """What to measure on which release, several probes at once."""

    system = serializers.CharField()
    release = serializers.CharField()
    seed = serializers.IntegerField(required=False, default=0, min_value=0)
    probes = PlannedProbeIn.listed(limit="MAX_PLAN_PROBES", allow_empty=False)
    inputs = ProbeInputIn.listed(
        limit="MAX_PROBE_INPUTS", required=False, allow_null=True, default=None,
        help_text="Prompts for the probes that read some and name none; without them those of the newest traces.",
    )  # fmt: skip

    def to_internal_value(self, data: Any) -> Any:
        """Refuse more prompts than a run may have, all together, before any of them is looked at."""
        if found := excess(_count_inputs(data), "MAX_PROBE_INPUTS"):
            raise serializers.ValidationError({"inputs": [f"{found}."]}, code="too_many")
        return super().to_internal_value(data)


class PartsOut(TypedDict):
    """How far a run is."""

    planned: int
    measured: int


class ProbeRunOut(serializers.ModelSerializer[ProbeRun]):
    """A run and how it stands."""

    system = serializers.CharField(source="spec.system.key")
    release = serializers.CharField(source="release.name")
    probe = serializers.CharField(source="spec.probe")
    parameters = serializers.JSONField(source="spec.parameters")
    seed = serializers.IntegerField(source="spec.seed")
    model_digest = serializers.CharField(source="spec.model_version.digest")
    specification_digest = serializers.CharField(source="spec.artefact_version.digest")
    parts = serializers.SerializerMethodField(help_text="Of its work, once they are planned.")

    class Meta:
        model = ProbeRun
        fields = [
            "id", "system", "release", "probe", "parameters", "seed", "model_digest", "specification_digest",
            "state", "parts", "attempts", "error", "queued_by", "queued_at", "started_at", "finished_at", "attached_at",
        ]  # fmt: skip

    def get_parts(self, run: ProbeRun) -> PartsOut | None:
        """Return how many parts the run has, and how many of them are measured."""
        progress = progress_of(run)
        return {"planned": progress.planned, "measured": progress.measured} if progress.planned else None


class ProbePlanOut(serializers.Serializer[Any]):
    """The runs of a plan, in the order asked."""

    runs = ProbeRunOut(many=True)


RELATED = ("spec__system", "spec__model_version", "spec__artefact_version", "release")


class ProbeRunFilter(FilterSet):
    """Narrow a list of runs."""

    system = django_filters.CharFilter("spec__system__key")
    release = django_filters.CharFilter("release__name")
    probe = django_filters.CharFilter("spec__probe")

    class Meta:
        model = ProbeRun
        fields = ["state"]


class ProbeRuns(ScopedList[ProbeRun]):
    """List runs; ask for one. Asking again for the same measurement answers with its run."""

    scopes = {"GET": Scope.READ, "POST": Scope.PROBE}
    queryset = with_progress(ProbeRun.objects.select_related(*RELATED))
    serializer_class = ProbeRunOut
    filterset_class = ProbeRunFilter

    @extend_schema(request=ProbeRunIn, responses={201: ProbeRunOut, 403: Problem, 404: Problem, 422: Problem})
    def post(self, request: Request) -> Response:
        """Queue a run for the interpret worker."""
        principal = principal_of(request)
        data = ProbeRunIn(data=request.data)
        data.is_valid(raise_exception=True)
        values = data.validated_data
        run = queue_probe_run(
            principal=principal,
            release=find_release(find_system(principal, values["system"]), values["release"]),
            probe=values["probe"],
            parameters=values["parameters"],
            seed=values["seed"],
            inputs=_inputs_of(values),
        )
        return Response(ProbeRunOut(run).data, status=201)


class ProbePlans(ScopedView):
    """Ask for several probes of a release at once: all of them, or none. Asking again answers with the same runs."""

    scopes = {"POST": Scope.PROBE}

    @extend_schema(
        request=ProbePlanIn, responses={201: ProbePlanOut, 403: Problem, 404: Problem, 422: Problem}
    )
    def post(self, request: Request) -> Response:
        """Queue a run of each for the interpret workers, which make the forward passes they share once."""
        principal = principal_of(request)
        data = ProbePlanIn(data=request.data)
        data.is_valid(raise_exception=True)
        values = data.validated_data
        runs = queue_probe_plan(
            principal=principal,
            release=find_release(find_system(principal, values["system"]), values["release"]),
            probes=[_asked(each, values["seed"]) for each in values["probes"]],
            inputs=_inputs_of(values),
        )
        return Response(ProbePlanOut({"runs": runs}).data, status=201)


class ProbeRunDetail(ScopedDetail[ProbeRun]):
    """A run by its id, and how it stands."""

    queryset = with_progress(ProbeRun.objects.select_related(*RELATED))
    serializer_class = ProbeRunOut


class CancelIn(Input):
    """Why the run is not wanted any more, if that is to be on record."""

    reason = serializers.CharField(required=False, allow_blank=True, default="")


class ProbeRunCancellation(ScopedView):
    """Cancel a run that is not over. Cancelling again answers the same."""

    scopes = {"POST": Scope.PROBE}

    @extend_schema(
        request=CancelIn, responses={200: ProbeRunOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem}
    )
    def post(self, request: Request, pk: int) -> Response:
        """End it; a part in a worker's hands goes on to its end, and is not stored."""
        principal = principal_of(request)
        data = CancelIn(data=request.data)
        data.is_valid(raise_exception=True)
        run = visible_to(ProbeRun.objects.filter(pk=pk), principal).first()
        if run is None:
            raise NotFound(f"There is no probe run {pk} in the systems you may see.")
        cancelled = cancel_probe_run(principal=principal, run=run, reason=data.validated_data["reason"])
        return Response(ProbeRunOut(cancelled).data)


def _count_inputs(data: object) -> int:
    """Count the prompts that a plan names, for all and for single probes, whatever else it is."""
    plan = data if isinstance(data, dict) else {}
    probes = plan.get("probes")
    named = (
        [plan, *(each for each in probes if isinstance(each, dict))] if isinstance(probes, list) else [plan]
    )
    lists = (each.get("inputs") for each in named)
    return sum(len(each) for each in lists if isinstance(each, list))


def _asked(given: Mapping[str, Any], seed_of_plan: int) -> AskedProbe:
    seed = seed_of_plan if given["seed"] is None else given["seed"]
    return AskedProbe(given["probe"], given["parameters"], seed, _inputs_of(given))


def _inputs_of(given: Mapping[str, Any]) -> tuple[ProbeInput, ...] | None:
    inputs = given["inputs"]
    return None if inputs is None else tuple(ProbeInput(**item) for item in inputs)
