"""Disagreements of reviewers, and how a third person settled them, by API."""

from __future__ import annotations

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of, visible_to
from evidence.actors import actor_of_prefix, actor_of_user
from evidence.api.filtering import ByTokenFilter, FilterSet
from evidence.api.inputs import Input
from evidence.api.reading import ScopedList
from evidence.api.reviews import SENT_BY
from evidence.api.trace_ids import TraceIdField
from evidence.errors import NotFound
from evidence.models import Adjudication, Review, ReviewTask, Scope
from evidence.problems import Problem
from evidence.selectors.revisions import find_revision
from evidence.services.reviews import adjudicate


class AdjudicationIn(Input):
    """What becomes of an answer that its reviewers disagree about, and why."""

    system = serializers.CharField()
    trace_id = TraceIdField()
    revision = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    decision = serializers.ChoiceField(choices=Review.Decision.choices)
    rationale = serializers.CharField()
    corrected_answer = serializers.CharField(required=False, default="", allow_blank=True)


class AdjudicationOut(serializers.ModelSerializer[Adjudication]):
    """How a disagreement was settled. The reviews that disagree stay beside it."""

    system = serializers.CharField(source="task.system.key")
    trace_id = TraceIdField(source="task.trace.trace_id")
    revision = serializers.IntegerField(source="task.trace.revision")
    adjudicator = serializers.SerializerMethodField(help_text="The actor; /api/v1/people says who that is.")
    by_token = serializers.SerializerMethodField(help_text=SENT_BY)

    class Meta:
        model = Adjudication
        fields = [
            "id", "system", "trace_id", "revision", "adjudicator", "by_token", "decision", "rationale",
            "corrected_answer", "created_at",
        ]  # fmt: skip

    def get_adjudicator(self, adjudication: Adjudication) -> str:
        """Return who settled it."""
        return actor_of_user(adjudication.adjudicator)

    def get_by_token(self, adjudication: Adjudication) -> str | None:
        """Return the token by which it came."""
        return actor_of_prefix(adjudication.token_prefix)


class AdjudicationFilter(FilterSet):
    """Narrow a list of settled disagreements."""

    system = django_filters.CharFilter("task__system__key")
    release = django_filters.CharFilter("task__trace__release__name")
    by_token = ByTokenFilter("token_prefix")

    class Meta:
        model = Adjudication
        fields = ["decision"]


class Adjudications(ScopedList[Adjudication]):
    """List settled disagreements, newest first; settle one."""

    scopes = {"GET": Scope.READ, "POST": Scope.REVIEW}
    queryset = Adjudication.objects.select_related("task__system", "task__trace", "adjudicator__pseudonym")
    serializer_class = AdjudicationOut
    filterset_class = AdjudicationFilter

    @extend_schema(
        request=AdjudicationIn,
        responses={201: AdjudicationOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request) -> Response:
        """Settle what reviewers disagree about, as a reviewer who is none of them.

        They signed in, or send a token that they made for themselves. The same again answers the same.
        """
        data = AdjudicationIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = dict(data.validated_data), principal_of(request)
        system, trace_id = find_system(principal, values.pop("system")), values.pop("trace_id")
        trace = find_revision(system, trace_id, values.pop("revision", None))
        task = visible_to(ReviewTask.objects.select_related("trace", "system"), principal).filter(trace=trace)
        found = task.first()
        if found is None:
            raise NotFound(f"Nobody was asked to judge trace {trace_id.hex} of {system.key!r}.")
        return Response(
            AdjudicationOut(adjudicate(principal=principal, task=found, **values)).data, status=201
        )
