"""Gold answers by API: what is right of an answer, what reviewers said of those they were given, and how well."""

from __future__ import annotations

from typing import Any, Final

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence import acts
from evidence.access import find_system, principal_of, visible_to
from evidence.actors import actor_of_prefix, actor_of_user
from evidence.api.filtering import ByTokenFilter, FilterSet
from evidence.api.inputs import Input, InputList, QueryInput
from evidence.api.reading import ScopedList
from evidence.api.review_agreement import AgreementEstimateOut
from evidence.api.reviews import SENT_BY
from evidence.api.scoped_view import ScopedView
from evidence.api.trace_ids import TraceIdField
from evidence.errors import NotFound
from evidence.models import GoldAnswer, GoldJudgement, Review, ReviewTask, Scope
from evidence.problems import Problem
from evidence.selectors.gold_results import results_in
from evidence.selectors.revisions import find_revision
from evidence.services.gold import make_gold, withdraw_gold

STEPS: Final = ("withdrawn",)


class GoldAnswerOut(serializers.ModelSerializer[GoldAnswer]):
    """What is right of an answer. Of several for one answer the last counts."""

    system = serializers.CharField(source="task.system.key")
    trace_id = TraceIdField(source="task.trace.trace_id")
    revision = serializers.IntegerField(source="task.trace.revision")
    right = serializers.ListField(
        child=serializers.ChoiceField(choices=Review.Decision.choices),
        help_text="Decisions, each of which is right; none where it is withdrawn.",
    )

    class Meta:
        model = GoldAnswer
        fields = [
            "id", "system", "trace_id", "revision", "number", "right", "rationale", "is_withdrawn", "made_by",
            "created_at",
        ]  # fmt: skip


class GoldAnswerIn(Input):
    """What is right of the current revision of a closed answer."""

    system = serializers.CharField()
    trace_id = TraceIdField()
    right = InputList(
        child=serializers.ChoiceField(choices=Review.Decision.choices),
        limit="REVIEW_MAX_REASONS",
        allow_empty=False,
        help_text="Decisions, each of which is right.",
    )
    rationale = serializers.CharField(help_text="Why: whoever judged the answer reads it.")


class GoldTransitionIn(Input):
    """Which step is taken."""

    to_state = serializers.ChoiceField(
        choices=STEPS, help_text="`withdrawn`: it is gold no more, and counts in no result."
    )
    reason = serializers.CharField()


class GoldAnswerFilter(FilterSet):
    """Narrow a list of gold answers."""

    system = django_filters.CharFilter("task__system__key")

    class Meta:
        model = GoldAnswer
        fields: list[str] = []


class GoldAnswers(ScopedList[GoldAnswer]):
    """List gold answers, newest first; make one, which an approver does. A reviewer lists those that they judged."""

    scopes = {"GET": Scope.READ, "POST": Scope.READ}
    queryset = GoldAnswer.objects.select_related("task__system", "task__trace").defer(
        "task__trace__exchanges"
    )
    serializer_class = GoldAnswerOut
    filterset_class = GoldAnswerFilter

    @extend_schema(
        request=GoldAnswerIn,
        responses={201: GoldAnswerOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request) -> Response:
        """Say what is right of an answer. The same sent again is answered with the first row."""
        data = GoldAnswerIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = dict(data.validated_data), principal_of(request)
        acts.check_can_approve(principal)
        system, trace_id = find_system(principal, values.pop("system")), values.pop("trace_id")
        trace = find_revision(system, trace_id, None)
        tasks = ReviewTask.objects.select_related("system", "trace__release")
        task = visible_to(tasks.filter(trace=trace), principal).first()
        if task is None:
            raise NotFound("Nobody was asked about this answer: only one that was judged can be gold.")
        gold = make_gold(principal=principal, task=task, **values)
        return Response(GoldAnswerOut(gold).data, status=201)


class GoldTransitions(ScopedView):
    """Withdraw a gold answer. The answer that was judged stays; what was said of it as gold counts in no result."""

    scopes = {"POST": Scope.READ}

    @extend_schema(
        request=GoldTransitionIn,
        responses={201: GoldAnswerOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request, pk: int) -> Response:
        data = GoldTransitionIn(data=request.data)
        data.is_valid(raise_exception=True)
        principal = principal_of(request)
        acts.check_can_approve(principal)
        gold = visible_to(GoldAnswers.queryset, principal).filter(pk=pk).first()
        if gold is None:
            raise NotFound(f"There is no gold answer {pk} among those you may see.")
        said = withdraw_gold(principal=principal, task=gold.task, reason=data.validated_data["reason"])
        return Response(GoldAnswerOut(said).data, status=201)


class GoldJudgementOut(serializers.ModelSerializer[GoldJudgement]):
    """What a reviewer said of an answer that they were given as gold. No review, check or label counts it."""

    system = serializers.CharField(source="task.system.key")
    trace_id = TraceIdField(source="task.trace.trace_id")
    revision = serializers.IntegerField(source="task.trace.revision")
    reviewer = serializers.SerializerMethodField(help_text="The actor; /api/v1/people says who that is.")
    by_token = serializers.SerializerMethodField(help_text=SENT_BY)
    claims = serializers.DictField(
        child=serializers.CharField(), help_text="What is said of claims, by their ordinals."
    )

    class Meta:
        model = GoldJudgement
        fields = [
            "id", "system", "trace_id", "revision", "reviewer", "by_token", "decision", "reason_code", "reason",
            "rationale", "corrected_answer", "claims", "created_at",
        ]  # fmt: skip

    def get_reviewer(self, judged: GoldJudgement) -> str:
        """Return who judged."""
        return actor_of_user(judged.reviewer)

    def get_by_token(self, judged: GoldJudgement) -> str | None:
        """Return the token by which it came."""
        return actor_of_prefix(judged.token_prefix)


class GoldJudgementFilter(FilterSet):
    """Narrow a list of judgements of gold answers."""

    system = django_filters.CharFilter("task__system__key")
    by_token = ByTokenFilter("token_prefix")

    class Meta:
        model = GoldJudgement
        fields: list[str] = []


class GoldJudgements(ScopedList[GoldJudgement]):
    """List what was said of gold answers, newest first. A reviewer lists their own."""

    queryset = GoldJudgement.objects.select_related(
        "task__system", "task__trace", "reviewer__pseudonym"
    ).defer("task__trace__exchanges")
    serializer_class = GoldJudgementOut
    filterset_class = GoldJudgementFilter


class GoldResultsQuery(QueryInput):
    """Of which system."""

    system = serializers.CharField()


class GoldResultOut(serializers.Serializer[Any]):
    """How one reviewer judged gold answers, by what is right of them now."""

    reviewer = serializers.CharField(help_text="The actor; /api/v1/people says who that is.")
    n = serializers.IntegerField(help_text="Gold answers that they judged.")
    n_units = serializers.IntegerField(
        help_text="Independent ones among them: answers of one conversation are one."
    )
    share = AgreementEstimateOut(
        allow_null=True, help_text="That is right; null: fewer than 20 are independent."
    )


class GoldResults(ScopedView):
    """Tell how reviewers judged gold answers, to whoever is no reviewer."""

    scopes = {"GET": Scope.READ}
    queries = {"GET": GoldResultsQuery}

    @extend_schema(responses={200: GoldResultOut(many=True), 403: Problem, 404: Problem})
    def get(self, request: Request) -> Response:
        principal = principal_of(request)
        system = find_system(principal, self.query["system"])
        acts.check_can_read_gold_results(principal, system)
        told = results_in(system, visible_to(GoldJudgement.objects.all(), principal))
        return Response(GoldResultOut(told, many=True).data)
