"""Samples of a period's answers by API: plans, the steps that follow, what was shown, and the file to draw again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence import acts
from evidence.access import find_system, principal_of, visible_to
from evidence.api.filtering import FilterSet
from evidence.api.inputs import Input
from evidence.api.reading import ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.errors import NotFound
from evidence.models import Checkpoint, RiskTier, SampleDraw, SamplingPlan, Scope
from evidence.problems import Problem
from evidence.selectors.sampling import (
    DRAWN,
    FROZEN,
    STATES,
    VERDICTS,
    SampleResults,
    ScopeResult,
    results_of,
    with_state,
)
from evidence.services import registry
from evidence.services.sample_files import sample_file
from evidence.services.sampling import PlanDraft, draw_sample, freeze_population, plan_sample

STEPS: Final = (FROZEN, DRAWN)
_TAKE: Final[Mapping[str, Callable[..., object]]] = {FROZEN: freeze_population, DRAWN: draw_sample}
_RATE: Final[dict[str, Any]] = {"max_digits": 5, "decimal_places": 4}
_DRAWN: Final = "population__draw__checkpoint"


class SampleDrawOut(serializers.ModelSerializer[SampleDraw]):
    """What was drawn, and from which checkpoint; `GET …/file` gives all that it takes to draw it again."""

    checkpoint_size = serializers.IntegerField(source="checkpoint.size", help_text="leaves")
    checkpoint_root = serializers.SerializerMethodField()
    drawn = serializers.ListField(
        child=serializers.ListField(),
        help_text="`[id, stratum, whether among the n drawn from all]`, as drawn",
    )

    class Meta:
        model = SampleDraw
        fields = [
            "seed",
            "checkpoint_size",
            "checkpoint_root",
            "n",
            "drawn",
            "digest",
            "drawn_by",
            "created_at",
        ]

    def get_checkpoint_root(self, draw: SampleDraw) -> str:
        """Return the root of the tree that gave the seed, hexadecimal."""
        checkpoint: Checkpoint = draw.checkpoint
        return bytes(checkpoint.root).hex()


class StratumOut(serializers.Serializer[Any]):
    """Answers that are drawn besides where there are few of them."""

    name = serializers.CharField()
    size = serializers.IntegerField(help_text="answers")
    digest = serializers.CharField(help_text="of their ids and digests")


class PopulationOut(serializers.Serializer[Any]):
    """The answers of the period, as they were when it had ended."""

    size = serializers.IntegerField(help_text="answers")
    digest = serializers.CharField(source="answers_id", help_text="SHA-256 of the list, which the log holds")
    strata = StratumOut(many=True)
    frozen_by = serializers.CharField()
    created_at = serializers.DateTimeField()


class SamplingPlanOut(serializers.ModelSerializer[SamplingPlan]):
    """A plan, and what became of it."""

    system = serializers.CharField(source="system.key")
    release = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=STATES, source="state_now")
    population = serializers.SerializerMethodField()
    draw = serializers.SerializerMethodField()

    class Meta:
        model = SamplingPlan
        fields = [
            "id", "system", "release", "risk_tier", "period_from", "period_to", "strata_field", "fewest_of_each",
            "tolerable_rate", "confidence", "expected_exceptions", "digest", "made_by", "created_at", "state",
            "population", "draw",
        ]  # fmt: skip

    def get_release(self, plan: SamplingPlan) -> str | None:
        """Return the release whose answers it is about; null: all."""
        return plan.release.name if plan.release else None

    @extend_schema_field(PopulationOut(allow_null=True))
    def get_population(self, plan: SamplingPlan) -> Any:
        """Return the answers that were frozen; null: none were yet."""
        return PopulationOut(plan.population).data if hasattr(plan, "population") else None

    @extend_schema_field(SampleDrawOut(allow_null=True))
    def get_draw(self, plan: SamplingPlan) -> Any:
        """Return what was drawn; null: nothing was yet."""
        draw = getattr(getattr(plan, "population", None), "draw", None)
        return SampleDrawOut(draw).data if draw is not None else None


class SamplingPlanIn(Input):
    """What is to be shown of a period's answers by judging some of them."""

    system = serializers.CharField()
    period_from = serializers.DateTimeField()
    period_to = serializers.DateTimeField(
        help_text="The first moment that is not of it; it is still to come."
    )
    tolerable_rate = serializers.DecimalField(**_RATE, help_text="Of exceptions, between 0 and 1.")
    confidence = serializers.DecimalField(
        **_RATE, default=Decimal("0.95"), help_text="Of the one bound; 0.95 unless stated."
    )
    release = serializers.CharField(
        required=False, default=None, allow_null=True, help_text="Null: answers of all."
    )
    risk_tier = serializers.ChoiceField(
        choices=RiskTier.choices(), required=False, default="", allow_blank=True, help_text="Empty: of all."
    )
    strata_field = serializers.ChoiceField(
        choices=SamplingPlan.Strata.choices, required=False, default="", allow_blank=True
    )
    fewest_of_each = serializers.IntegerField(
        required=False, default=5, help_text="Answers of each stratum, or all that it has; 5 unless stated."
    )
    expected_exceptions = serializers.IntegerField(
        required=False, default=0, help_text="That may be found, and the rate be shown; 0 unless stated."
    )


class SamplingPlanFilter(FilterSet):
    """Narrow a list of sampling plans."""

    system = django_filters.CharFilter("system__key")
    release = django_filters.CharFilter("release__name")
    state = django_filters.ChoiceFilter(method="are_in", choices=[(state, state) for state in STATES])

    class Meta:
        model = SamplingPlan
        fields: list[str] = []

    def are_in(self, plans: QuerySet[Any], _: str, state: str) -> QuerySet[Any]:
        """Narrow to those that stand so."""
        return plans.filter(state_now=state)


class SamplingPlans(ScopedList[SamplingPlan]):
    """List sampling plans, newest first; make one, which an approver who signed in does."""

    scopes = {"GET": Scope.READ, "POST": Scope.READ}
    queryset = SamplingPlan.objects.select_related("system", "release", _DRAWN)
    serializer_class = SamplingPlanOut
    filterset_class = SamplingPlanFilter

    def get_queryset(self) -> QuerySet[Any]:
        return with_state(super().get_queryset())

    @extend_schema(
        request=SamplingPlanIn,
        responses={201: SamplingPlanOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request) -> Response:
        """Put a plan on record, before its period ends. The same plan sent again is answered with the first."""
        data = SamplingPlanIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = dict(data.validated_data), principal_of(request)
        system = find_system(principal, values.pop("system"))
        name = values.pop("release")
        release = registry.find_release(system, name) if name is not None else None
        plan = plan_sample(principal=principal, system=system, draft=PlanDraft(**values, release=release))
        return Response(SamplingPlanOut(_find(request, plan.pk)).data, status=201)


class SamplingTransitionIn(Input):
    """Which step is taken."""

    to_state = serializers.ChoiceField(
        choices=STEPS,
        help_text="`frozen`: keep the list of the answers of the period, which has ended; `drawn`: draw from it by the "
        "first checkpoint that covers it.",
    )


class SamplingTransitions(ScopedView):
    """Freeze the answers of a plan's period, or draw from them. Each is done once; asked again it changes nothing."""

    scopes = {"POST": Scope.READ}

    @extend_schema(
        request=SamplingTransitionIn,
        responses={201: SamplingPlanOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request, pk: int) -> Response:
        data = SamplingTransitionIn(data=request.data)
        data.is_valid(raise_exception=True)
        _TAKE[data.validated_data["to_state"]](principal=principal_of(request), plan=_find(request, pk))
        return Response(SamplingPlanOut(_find(request, pk)).data, status=201)


class ScopeResultOut(serializers.Serializer[ScopeResult]):
    """What judgements say of all answers, or of one stratum."""

    name = serializers.CharField(help_text="of the stratum; empty: of all")
    size = serializers.IntegerField(help_text="answers")
    n = serializers.IntegerField(help_text="drawn; of all: without those drawn for their stratum alone")
    exceptions = serializers.IntegerField(help_text="overridden or rejected, by the settled decision")
    waiting = serializers.IntegerField(help_text="that people may still settle; each counts as an exception")
    lost = serializers.IntegerField(
        help_text="that nobody settles any more: superseded, erased, escalated; each counts as an exception"
    )
    most = serializers.IntegerField(help_text="exceptions among all that there are at most")
    upper_bound = serializers.SerializerMethodField()

    def get_upper_bound(self, result: ScopeResult) -> float | None:
        """Return the exact one-sided bound on the rate of exceptions, in [0, 1]; null: there are no answers."""
        bound: Fraction | None = result.bound
        return None if bound is None else float(bound)


class SampleResultsOut(serializers.Serializer[SampleResults]):
    """What a sample shows by now."""

    verdict = serializers.ChoiceField(
        choices=VERDICTS,
        help_text="Whether the tolerable rate is shown; `not_yet`: what waits could still show it.",
    )
    whole = ScopeResultOut()
    strata = ScopeResultOut(many=True)
    arrived_later = serializers.IntegerField(
        help_text="Answers of the period that came after it was frozen; this says nothing of them."
    )


class SamplingResults(ScopedView):
    """What the judgements of a sample show. A reviewer for whom an answer of it waits is told nothing yet."""

    scopes = {"GET": Scope.READ}

    @extend_schema(responses={200: SampleResultsOut, 403: Problem, 404: Problem})
    def get(self, request: Request, pk: int) -> Response:
        plan = _find(request, pk)
        acts.check_can_read_sample_results(principal_of(request), plan)
        return Response(SampleResultsOut(results_of(_draw_of(plan))).data)


class SamplingFile(ScopedView):
    """All that an auditor needs to draw the same answers offline: `tracebinder redraw` reads it."""

    scopes = {"GET": Scope.READ}

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT, 404: Problem})
    def get(self, request: Request, pk: int) -> HttpResponse:
        body = sample_file(_draw_of(_find(request, pk)))
        headers = {"Content-Disposition": f'attachment; filename="sample-{pk}.json"'}
        return HttpResponse(body, content_type="application/json", headers=headers)


def _find(request: Request, pk: int) -> SamplingPlan:
    plans = with_state(visible_to(SamplingPlans.queryset, principal_of(request)))
    found: SamplingPlan | None = plans.filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no sampling plan {pk} among yours.")
    return found


def _draw_of(plan: SamplingPlan) -> SampleDraw:
    draw: SampleDraw | None = getattr(getattr(plan, "population", None), "draw", None)
    if draw is None:
        raise NotFound(f"Nothing is drawn by sampling plan {plan.pk} yet.")
    return draw
