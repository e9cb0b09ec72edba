"""Probe runs by API: ask for one, follow it. Without `interpret.view_internals` there are none."""

from __future__ import annotations

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.filtering import FilterSet
from evidence.api.inputs import FreeObject, Input
from evidence.api.reading import ScopedDetail, ScopedList
from evidence.models import Scope
from evidence.problems import Problem
from evidence.services.registry import find_release
from interpret.contracts import ProbeInput
from interpret.models import ProbeRun
from interpret.services.queueing import queue_probe_run


class ProbeInputIn(Input):
    """A prompt for a probe that reads some."""

    id = serializers.CharField(max_length=200)
    text = serializers.CharField(trim_whitespace=False)
    language = serializers.CharField(max_length=35, help_text="BCP 47, as en or zh-Hans.")
    continuation = serializers.CharField(
        required=False, allow_null=True, default=None, trim_whitespace=False, help_text="Measured, if given."
    )
    instruction = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)


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


class ProbeRunOut(serializers.ModelSerializer[ProbeRun]):
    """A run and how it stands."""

    system = serializers.CharField(source="spec.system.key")
    release = serializers.CharField(source="release.name")
    probe = serializers.CharField(source="spec.probe")
    parameters = serializers.JSONField(source="spec.parameters")
    seed = serializers.IntegerField(source="spec.seed")
    model_digest = serializers.CharField(source="spec.model_version.digest")
    specification_digest = serializers.CharField(source="spec.artefact_version.digest")

    class Meta:
        model = ProbeRun
        fields = [
            "id", "system", "release", "probe", "parameters", "seed", "model_digest", "specification_digest",
            "state", "attempts", "error", "queued_by", "queued_at", "started_at", "finished_at", "attached_at",
        ]  # fmt: skip


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
    queryset = ProbeRun.objects.select_related(*RELATED)
    serializer_class = ProbeRunOut
    filterset_class = ProbeRunFilter

    @extend_schema(request=ProbeRunIn, responses={201: ProbeRunOut, 403: Problem, 404: Problem, 422: Problem})
    def post(self, request: Request) -> Response:
        """Queue a run for the interpret worker."""
        principal = principal_of(request)
        data = ProbeRunIn(data=request.data)
        data.is_valid(raise_exception=True)
        values = data.validated_data
        inputs = values["inputs"]
        run = queue_probe_run(
            principal=principal,
            release=find_release(find_system(principal, values["system"]), values["release"]),
            probe=values["probe"],
            parameters=values["parameters"],
            seed=values["seed"],
            inputs=None if inputs is None else [ProbeInput(**item) for item in inputs],
        )
        return Response(ProbeRunOut(run).data, status=201)


class ProbeRunDetail(ScopedDetail[ProbeRun]):
    """A run by its id, and how it stands."""

    queryset = ProbeRun.objects.select_related(*RELATED)
    serializer_class = ProbeRunOut
