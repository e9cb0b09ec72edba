"""Eval runs by API: CI posts the runner's own file, and reads what we made of it."""

from __future__ import annotations

from typing import Any

import django_filters
from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.filtering import FilterSet
from evidence.api.inputs import QueryInput
from evidence.api.otlp import read_posted_body
from evidence.api.reading import ScopedDetail, ScopedList
from evidence.evals.registry import EVAL_FORMATS
from evidence.models import EvalRun, EvalScore, Reject, Scope
from evidence.problems import Problem
from evidence.services import evals
from evidence.vocabulary import RejectSource


class EvalScoreOut(serializers.ModelSerializer[EvalScore]):
    """One metric over one slice; at `confidence` 0.90, two-sided, `low` and `high` are bounds at 0.95 each."""

    judge = serializers.CharField(
        source="judge.digest",
        default=None,
        help_text="Digest of the judge's version; null: no judge gave it.",
    )

    class Meta:
        model = EvalScore
        fields = [
            "metric", "judge", "slice", "value", "unit", "direction", "n", "n_unscored", "n_error", "stderr", "low",
            "high", "confidence", "interval_method",
        ]  # fmt: skip


class EvalRejectOut(serializers.ModelSerializer[Reject]):
    """A sample that was refused, and why."""

    class Meta:
        model = Reject
        fields = ["code", "detail"]


class EvalRunOut(serializers.ModelSerializer[EvalRun]):
    """A stored run with its aggregates. Samples are counted once, whatever the number of metrics."""

    system = serializers.CharField(source="system.key")
    release = serializers.CharField(source="release.name", default=None)
    digest = serializers.CharField(source="raw_id", help_text="SHA-256 of the file as posted.")
    suite = serializers.SerializerMethodField()
    evaluator = serializers.SerializerMethodField()
    dataset = serializers.SerializerMethodField()
    n_samples = serializers.SerializerMethodField()
    n_scored = serializers.SerializerMethodField()
    n_unscored = serializers.SerializerMethodField()
    n_error = serializers.SerializerMethodField()
    retracted = serializers.SerializerMethodField()
    scores = EvalScoreOut(many=True)
    rejects = serializers.SerializerMethodField()

    class Meta:
        model = EvalRun
        fields = [
            "id", "run_key", "system", "release", "status", "format", "digest", "suite", "evaluator", "dataset",
            "model_digest", "commit", "observed_from", "observed_to", "collected_at", "received_at", "retracted",
            "n_samples", "n_scored", "n_unscored", "n_error", "scores", "rejects",
        ]  # fmt: skip

    def get_suite(self, run: EvalRun) -> str:
        """Return the suite's version digest."""
        return run.suite.digest

    def get_evaluator(self, run: EvalRun) -> str:
        """Return the evaluator's version digest."""
        return run.evaluator.digest

    def get_dataset(self, run: EvalRun) -> str:
        """Return the dataset's version digest."""
        return run.dataset.digest

    def get_n_samples(self, run: EvalRun) -> int:
        """Return how many samples were stored."""
        return run.samples.values("sample_id").distinct().count()

    def get_n_scored(self, run: EvalRun) -> int:
        """Return how many metric values were scored."""
        return sum(score.n for score in self._overall(run))

    def get_n_unscored(self, run: EvalRun) -> int:
        """Return how many metric values are missing."""
        return sum(score.n_unscored for score in self._overall(run))

    def get_n_error(self, run: EvalRun) -> int:
        """Return how many metric values ended in an error."""
        return sum(score.n_error for score in self._overall(run))

    def get_retracted(self, run: EvalRun) -> bool:
        """Return whether the run no longer counts."""
        return hasattr(run, "retraction")

    @extend_schema_field(EvalRejectOut(many=True))
    def get_rejects(self, run: EvalRun) -> Any:
        """Return the samples that were refused."""
        rejects = Reject.objects.filter(
            system=run.system, source=RejectSource.EVAL_SAMPLE, source_ref=run.run_key
        )
        return EvalRejectOut(rejects.order_by("pk"), many=True).data

    def _overall(self, run: EvalRun) -> list[EvalScore]:
        return [score for score in run.scores.all() if not score.slice]


class EvalRunFilter(FilterSet):
    """Narrow a list of eval runs."""

    system = django_filters.CharFilter("system__key")
    release = django_filters.CharFilter("release__name")
    suite = django_filters.CharFilter("suite__artefact__key")

    class Meta:
        model = EvalRun
        fields = ["run_key", "status"]


class EvalFileQuery(QueryInput):
    """Where a posted file belongs, and how to read it."""

    system = serializers.CharField()
    release = serializers.CharField(required=False, default=None, help_text="where the file does not say it")
    format = serializers.ChoiceField(
        choices=sorted(EVAL_FORMATS), required=False, default="native", help_text="native unless stated"
    )


class EvalRuns(ScopedList[EvalRun]):
    """List eval runs; post one. The same file again answers with the first row."""

    scopes = {"GET": Scope.READ, "POST": Scope.PUSH_EVAL}
    queries = {"POST": EvalFileQuery}
    queryset = EvalRun.objects.select_related(
        "system", "release", "suite", "evaluator", "dataset", "retraction"
    ).prefetch_related("scores__judge")
    serializer_class = EvalRunOut
    filterset_class = EvalRunFilter

    @extend_schema(
        request={"application/json": OpenApiTypes.OBJECT, "application/octet-stream": OpenApiTypes.BINARY},
        responses={
            201: EvalRunOut, 200: EvalRunOut, 404: Problem, 409: Problem, 413: Problem, 422: Problem,
        },
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Store an eval file and aggregate its samples; what is malformed in it is rejected by itself."""
        principal = principal_of(request)
        recorded = evals.record_eval_run(
            principal=principal,
            system=find_system(principal, self.query["system"]),
            release=self.query["release"],
            raw=read_posted_body(request._request, limit=settings.EVAL_MAX_BODY),  # noqa: SLF001  # the bytes as sent
            format_name=self.query["format"],
        )
        return Response(EvalRunOut(recorded.run).data, status=201 if recorded.created else 200)


class EvalRunDetail(ScopedDetail[EvalRun]):
    """One run with its aggregates."""

    queryset = EvalRuns.queryset
    serializer_class = EvalRunOut
