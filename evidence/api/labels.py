"""Labels by API: what is to be labelled next, and what people said of the answers of a run."""

from __future__ import annotations

from typing import Any, Final

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence import acts
from evidence.access import Principal, find_system, principal_of, visible_to
from evidence.api.filtering import FilterSet, IdFilter
from evidence.api.inputs import Input, QueryInput
from evidence.api.reading import ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.errors import InvalidInput, NotFound
from evidence.models import EvalRun, EvalSample, Label, LabelSet, Scope
from evidence.nearest import hint_at, nearest_name
from evidence.problems import Problem
from evidence.selectors.desk_labels import MAPPINGS
from evidence.selectors.labels import draw_sheet, judged_metrics
from evidence.services import labels
from evidence.services.labels import LabelDraft

MOST_ON_A_SHEET: Final = 1_000  # answers


class LabelIn(Input):
    """What a person says of one answer."""

    sample = serializers.CharField(max_length=200, trim_whitespace=False, help_text="Id of the sample.")
    metric = serializers.CharField(max_length=200)
    value = serializers.FloatField(
        allow_null=True, help_text="In the metric's unit, of a share 0 to 1; null: the person cannot tell."
    )


class LabelSetIn(Input):
    """What a person says of answers of one run."""

    system = serializers.CharField()
    run_key = serializers.CharField(max_length=200)
    labels = LabelIn.listed(limit="EVAL_MAX_SAMPLES")


class LabelSetOut(serializers.ModelSerializer[LabelSet]):
    """What one person said of answers of a run at once; `/api/v1/labels?label_set=ID` lists it."""

    system = serializers.CharField(source="run.system.key")
    run_key = serializers.CharField(source="run.run_key")
    n_labels = serializers.SerializerMethodField()

    class Meta:
        model = LabelSet
        fields = [
            "id",
            "system",
            "run",
            "run_key",
            "labelled_by",
            "created_at",
            "digest",
            "made_from",
            "n_labels",
        ]

    def get_n_labels(self, label_set: LabelSet) -> int:
        """Return how many labels it holds."""
        return label_set.labels.count()


class LabelSetFilter(FilterSet):
    """Narrow a list of label sets."""

    system = django_filters.CharFilter("run__system__key")
    run_key = django_filters.CharFilter("run__run_key")

    class Meta:
        model = LabelSet
        fields = ["labelled_by", "made_from"]


class LabelSets(ScopedList[LabelSet]):
    """List sets of labels, newest first; record one. A person signs in for it: machines do not label."""

    scopes = {"GET": Scope.READ, "POST": Scope.REVIEW}
    queryset = LabelSet.objects.select_related("run__system")
    serializer_class = LabelSetOut
    filterset_class = LabelSetFilter

    @extend_schema(
        request=LabelSetIn,
        responses={201: LabelSetOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request) -> Response:
        """Say what answers of a run are worth. Labels count in the order in which the label sheet draws answers."""
        data = LabelSetIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        found = _find_run(principal, values["system"], values["run_key"])
        drafts = [LabelDraft(each["sample"], each["metric"], each["value"]) for each in values["labels"]]
        stored = labels.record_labels(principal=principal, run=found, labels=drafts)
        return Response(LabelSetOut(stored).data, status=201)


def _find_run(principal: Principal, system_key: str, run_key: str) -> EvalRun:
    system = find_system(principal, system_key)
    runs = EvalRun.objects.select_related("system", "release").filter(system=system, run_key=run_key)
    if (found := runs.first()) is None:
        raise NotFound(f"System {system.key!r} has no eval run {run_key!r}.")
    return found


class LabelsFromReviewsIn(Input):
    """Which of what a person said at the desk is to be labels, and of what."""

    system = serializers.CharField()
    run_key = serializers.CharField(max_length=200)
    metric = serializers.CharField(max_length=200)
    made_from = serializers.ChoiceField(
        choices=[each for each in LabelSet.MadeFrom.choices if each[0] in MAPPINGS],
        help_text="decisions: approve is 1, override and reject 0, escalate null. claims: the share that stands, once "
        "each claim is judged; null where one cannot be told.",
    )


class LabelsFromReviews(ScopedView):
    """Make labels of what whoever asks said of the same answers at the review desk."""

    scopes = {"POST": Scope.REVIEW}

    @extend_schema(
        request=LabelsFromReviewsIn,
        responses={201: LabelSetOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request) -> Response:
        """Store them as a set of labels. All that was said is taken, and counts in the order of the label sheet."""
        data = LabelsFromReviewsIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        run = _find_run(principal, values["system"], values["run_key"])
        stored = labels.record_labels_from_reviews(
            principal=principal, run=run, metric=values["metric"], made_from=values["made_from"]
        )
        return Response(LabelSetOut(stored).data, status=201)


class LabelOut(serializers.ModelSerializer[Label]):
    """What a person says of one answer. Of each answer, the newest label of a person counts."""

    run_key = serializers.CharField(source="label_set.run.run_key")
    sample = serializers.CharField(source="sample_id")
    labelled_by = serializers.CharField(source="label_set.labelled_by")
    created_at = serializers.DateTimeField(source="label_set.created_at")

    class Meta:
        model = Label
        fields = ["label_set", "run_key", "sample", "metric", "value", "labelled_by", "created_at"]


class LabelFilter(FilterSet):
    """Narrow a list of labels."""

    system = django_filters.CharFilter("label_set__run__system__key")
    run_key = django_filters.CharFilter("label_set__run__run_key")
    label_set = IdFilter("label_set_id")
    sample = django_filters.CharFilter("sample_id")

    class Meta:
        model = Label
        fields = ["metric"]


class Labels(ScopedList[Label]):
    """List labels, newest first."""

    queryset = Label.objects.select_related("label_set__run")
    serializer_class = LabelOut
    filterset_class = LabelFilter


class LabelSheetQuery(QueryInput):
    """Answers of which metric, and how many."""

    metric = serializers.CharField(
        required=False, default=None, help_text="the only one that a judge gave unless stated"
    )
    n = serializers.IntegerField(
        required=False, default=50, min_value=1, max_value=MOST_ON_A_SHEET, help_text="50 unless stated"
    )


class AnswerToLabelOut(serializers.ModelSerializer[EvalSample]):
    """An answer to be labelled: nothing of what the judge said."""

    sample = serializers.CharField(source="sample_id")

    class Meta:
        model = EvalSample
        fields = ["sample", "slice", "input", "output", "target"]


class LabelSheetOut(serializers.Serializer[Any]):
    """What whoever asks is to label next, in this order."""

    run_key = serializers.CharField()
    metric = serializers.CharField()
    answers = AnswerToLabelOut(many=True)


class LabelSheet(ScopedView):
    """Return the answers of a run that whoever asks is to label next, in the order in which they are drawn."""

    scopes = {"GET": Scope.REVIEW}
    queries = {"GET": LabelSheetQuery}

    @extend_schema(responses={200: LabelSheetOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem})
    def get(self, request: Request, pk: int) -> Response:
        principal = principal_of(request)
        runs = EvalRun.objects.select_related("system", "release")
        run = visible_to(runs, principal).filter(pk=pk).first()
        if run is None:
            raise NotFound(f"There is no eval run {pk} among yours.")
        acts.check_can_label(principal, run)
        metric = choose_metric(run, self.query["metric"])
        answers = draw_sheet(run, metric, principal.actor, self.query["n"])
        told = {"run_key": run.run_key, "metric": metric, "answers": answers}
        return Response(LabelSheetOut(told).data)


def choose_metric(run: EvalRun, asked: str | None) -> str:
    """Return the metric that is to be labelled.

    Raises:
        InvalidInput: no judge gave it, or none is named and a judge gave several, or none.
    """
    judged = judged_metrics(run)
    if asked is None and len(judged) == 1:
        return judged[0]
    if asked in judged:
        return str(asked)
    if asked is None:
        raise InvalidInput(f"Name the metric: a judge gave {', '.join(judged) or 'none'}.")
    raise InvalidInput(f"No judge gave {asked!r} here: {hint_at(nearest_name(asked, judged))}")
