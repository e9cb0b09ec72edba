"""Eval runs by API: CI posts the runner's own file, and reads what we made of it."""

from __future__ import annotations

from collections.abc import Mapping
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
from evidence.api.otlp import read_posted_pieces
from evidence.api.reading import ScopedDetail, ScopedList
from evidence.digests import parse_digest
from evidence.evals.completing import CLAIMS
from evidence.evals.contracts import VersionClaim
from evidence.evals.measurements import Said
from evidence.evals.registry import EVAL_FORMATS
from evidence.models import EvalRemark, EvalRun, EvalScore, EvalTotal, Reject, Scope
from evidence.models.base import KEY_LENGTH, LABEL_LENGTH
from evidence.models.evals import URL_LENGTH
from evidence.problems import Problem
from evidence.services import evals
from evidence.statistics import Plan
from evidence.vocabulary import RejectSource


class EvalScoreOut(serializers.ModelSerializer[EvalScore]):
    """One metric over one slice; at `confidence` 0.90, two-sided, `low` and `high` are bounds at 0.95 each."""

    judge = serializers.CharField(
        source="judge.digest",
        allow_null=True,
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


class EvalTotalOut(serializers.ModelSerializer[EvalTotal]):
    """A total that the runner states itself; `computed` is ours, null where no mean of ours is the same thing."""

    class Meta:
        model = EvalTotal
        fields = ["metric", "name", "reducer", "stated", "stated_n", "computed", "differs"]


class EvalRemarkOut(serializers.ModelSerializer[EvalRemark]):
    """Something to know beside the numbers; without a sample, of the whole run."""

    class Meta:
        model = EvalRemark
        fields = ["code", "detail", "sample_id"]


class EvalRunRefOut(serializers.Serializer[Any]):
    """Another run of the same file."""

    id = serializers.IntegerField()
    run_key = serializers.CharField()


class EvalRunOut(serializers.ModelSerializer[EvalRun]):
    """A stored run with its aggregates. Samples are counted once, whatever the number of metrics."""

    system = serializers.CharField(source="system.key")
    release = serializers.CharField(source="release.name", allow_null=True)
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
    totals = EvalTotalOut(many=True)
    remarks = EvalRemarkOut(many=True)
    seeds = serializers.DictField(child=serializers.CharField(), allow_null=True)
    said_by_poster = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="What the file did not say, by parameter."
    )
    same_file = serializers.SerializerMethodField()
    rejects = serializers.SerializerMethodField()

    class Meta:
        model = EvalRun
        fields = [
            "id", "run_key", "system", "release", "status", "format", "digest", "suite", "evaluator", "dataset",
            "model", "model_digest", "commit", "dirty", "ci_url", "seeds", "said_by_poster", "observed_from",
            "observed_to", "collected_at", "received_at", "retracted", "n_samples", "n_scored", "n_unscored", "n_error",
            "scores", "totals", "remarks", "rejects", "same_file",
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

    @extend_schema_field(EvalRunRefOut(many=True))
    def get_same_file(self, run: EvalRun) -> Any:
        """Return the other runs that the same file brought."""
        if not run.measurement:
            return []
        others = EvalRun.objects.filter(system=run.system, raw=run.raw_id, received_at=run.received_at)
        return EvalRunRefOut(others.exclude(pk=run.pk).order_by("pk"), many=True).data

    @extend_schema_field(EvalRejectOut(many=True))
    def get_rejects(self, run: EvalRun) -> Any:
        """Return the samples that were refused."""
        rejects = Reject.objects.filter(
            system=run.system, source=RejectSource.EVAL_SAMPLE, source_ref=run.run_key
        )
        return EvalRejectOut(rejects.order_by("pk"), many=True).data

    def _overall(self, run: EvalRun) -> list[EvalScore]:
        return [score for score in run.scores.all() if not score.slice]


class EvalFileOut(EvalRunOut):
    """The first run of a file that was posted; the others stand beside it, each whole, as CI may post and not read."""

    others = serializers.SerializerMethodField()

    class Meta(EvalRunOut.Meta):
        fields = [*EvalRunOut.Meta.fields, "others"]

    @extend_schema_field(EvalRunOut(many=True))
    def get_others(self, run: EvalRun) -> Any:
        """Return the other runs that the file brought, in its order."""
        del run
        return EvalRunOut(self.context["others"], many=True).data


class EvalRunFilter(FilterSet):
    """Narrow a list of eval runs."""

    system = django_filters.CharFilter("system__key")
    release = django_filters.CharFilter("release__name")
    suite = django_filters.CharFilter("suite__artefact__key")

    class Meta:
        model = EvalRun
        fields = ["run_key", "status"]


class _DigestField(serializers.CharField):
    """SHA-256, with or without `sha256:` before it."""

    def to_internal_value(self, data: Any) -> str:
        try:
            return parse_digest(super().to_internal_value(data))
        except ValueError as exc:
            raise serializers.ValidationError(str(exc), code="bad_digest") from exc


def _key() -> serializers.CharField:
    return serializers.CharField(required=False, default=None, max_length=KEY_LENGTH)


def _label() -> serializers.CharField:
    return serializers.CharField(required=False, default=None, max_length=LABEL_LENGTH)


def _digest() -> serializers.CharField:
    return _DigestField(required=False, default=None)


class EvalFileQuery(QueryInput):
    """Where a posted file belongs, how to read it, and what is to be said of its runs that it does not say itself.

    What the file says itself may be left out; said otherwise, it is refused. A version is said by its key, with label
    and digest where they are known.
    """

    system = serializers.CharField()
    release = serializers.CharField(
        required=False, default=None, help_text="Where the file does not say it; a run of none gates nothing."
    )
    format = serializers.ChoiceField(
        choices=list(EVAL_FORMATS),
        required=False,
        default=None,
        help_text="The file is looked at unless stated.",
    )
    name = serializers.CharField(
        required=False, default="", max_length=LABEL_LENGTH, help_text="The file's own name."
    )
    run_key = serializers.CharField(
        required=False,
        default=None,
        max_length=LABEL_LENGTH,
        help_text="Else the runner's own id, or the digest.",
    )
    commit = serializers.CharField(required=False, default=None, max_length=KEY_LENGTH)
    dirty = serializers.BooleanField(
        required=False,
        default=None,
        allow_null=True,
        help_text="Whether the code that ran was not the commit's.",
    )
    ci_url = serializers.URLField(required=False, default=None, max_length=URL_LENGTH)
    observed_from = serializers.DateTimeField(required=False, default=None)
    observed_to = serializers.DateTimeField(required=False, default=None)
    planned_samples = serializers.IntegerField(
        required=False,
        default=None,
        min_value=0,
        max_value=2**31 - 1,
        help_text="Items of the whole dataset.",
    )
    suite = _key()
    suite_label = _label()
    suite_digest = _digest()
    evaluator = _key()
    evaluator_label = _label()
    evaluator_digest = _digest()
    dataset = _key()
    dataset_label = _label()
    dataset_digest = _digest()
    model = _key()
    model_label = _label()
    model_digest = _digest()
    judge = _key()
    judge_label = _label()
    judge_digest = _digest()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """See that no version has a label or digest and no key."""
        keyless = [
            name for name in CLAIMS if not attrs[name] and (attrs[f"{name}_label"] or attrs[f"{name}_digest"])
        ]
        if keyless:
            raise serializers.ValidationError(
                {
                    name: f"a label or digest says which {name}, and not of what: give {name}"
                    for name in keyless
                },
                code="required",
            )
        return attrs


def poster_of(query: Mapping[str, Any]) -> Said:
    """Return what the parameters say of a run."""
    versions: dict[str, Any] = {
        name: VersionClaim(query[name], query[f"{name}_label"], query[f"{name}_digest"])
        if query[name]
        else None
        for name in CLAIMS
    }
    planned: int | None = query["planned_samples"]
    plain = ("run_key", "system", "release", "commit", "dirty", "ci_url", "observed_from", "observed_to")
    return Said(
        **{name: query[name] for name in plain},
        **versions,
        plan=None if planned is None else Plan(samples=planned),
    )


class EvalRuns(ScopedList[EvalRun]):
    """List eval runs; post a file of them. The same file again answers with the first row."""

    scopes = {"GET": Scope.READ, "POST": Scope.PUSH_EVAL}
    queries = {"POST": EvalFileQuery}
    queryset = EvalRun.objects.select_related(
        "system", "release", "suite", "evaluator", "dataset", "retraction"
    ).prefetch_related("scores__judge", "totals", "remarks")
    serializer_class = EvalRunOut
    filterset_class = EvalRunFilter

    @extend_schema(
        request={"application/json": OpenApiTypes.OBJECT, "application/octet-stream": OpenApiTypes.BINARY},
        responses={
            201: EvalFileOut, 200: EvalFileOut, 404: Problem, 409: Problem, 413: Problem, 422: Problem,
        },
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Store an eval file and aggregate its samples; what is malformed in it is rejected by itself.

        The answer is the first run of the file; `others` are the rest, where it holds several.
        """
        principal = principal_of(request)
        system = find_system(principal, self.query["system"])
        pieces = read_posted_pieces(request._request, limit=settings.EVAL_MAX_BODY)  # noqa: SLF001  # the bytes as sent
        with evals.posted_file(pieces, self.query["name"]) as posted:
            recorded = evals.record_eval_file(
                principal=principal,
                system=system,
                posted=posted,
                format_name=self.query["format"],
                poster=poster_of(self.query),
            )
        created = any(each.created for each in recorded)
        first, *others = (each.run for each in recorded)
        answer = EvalFileOut(first, context={"others": others})
        return Response(answer.data, status=201 if created else 200)


class EvalRunDetail(ScopedDetail[EvalRun]):
    """One run with its aggregates."""

    queryset = EvalRuns.queryset
    serializer_class = EvalRunOut
