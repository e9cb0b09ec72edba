"""Whether people look at advice in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from evidence.evals.contracts import Direction
from evidence.models import Review, ReviewTask
from requirements.bounds import MOST_HOURS, hours_of
from requirements.checks.contracts import IndependentUnit, Measured, Population, Words
from requirements.checks.parameters import HIGH_TIER, LOOKS, TRACE_DIMENSIONS, parameter_schema
from requirements.checks.population import observe_traces, settling_of
from requirements.checks.registry import check
from requirements.checks.shares import Asked, measure_asked, worst_of


def _ask(population: Population, parameters: Mapping[str, object]) -> Asked:
    allowed = hours_of(cast("float", parameters["within_hours"]))
    required = ReviewTask.objects.filter(trace_id=OuterRef("pk")).values("reviews_required")
    observed = observe_traces(
        population,
        parameters,
        people=Coalesce(Subquery(_reviewers_in_time(population, allowed), output_field=IntegerField()), 0),
        required=Coalesce(Subquery(required, output_field=IntegerField()), 1),
    )
    if parameters["pending"] == "leave_out":
        due = observed.rows.filter(sealed_at__lte=population.as_of.at - allowed)
        settling = settling_of(population, parameters, after=allowed)
        observed = replace(observed, rows=due, settling=settling)
    return Asked(observed, good=Q(people__gte=F("required")))


def _reviewers_in_time(population: Population, allowed: timedelta) -> QuerySet[Any]:
    """How many people reviewed the trace of the outer row within the time allowed from its sealing."""
    in_time = Review.objects.filter(
        task__trace_id=OuterRef("pk"),
        created_at__lte=OuterRef("sealed_at") + Value(allowed),
    ).filter(population.as_of.knew("created_at"))
    by_trace = in_time.order_by().values("task__trace_id")
    return by_trace.annotate(people=Count("reviewer", distinct=True)).values("people")


@check(
    name="reviews.within_time",
    version="5",
    title=Words("Reviews are done in time", "审阅按时完成"),
    measures=Words(
        "Of the traces of these risk tiers whose time for review is over, "
        "the share that had the reviews required by then. "
        "A trace still within its time is left out, reviewed or not, "
        "because counting only the early ones would flatter the number; "
        "`pending: count` counts every trace instead.",
        "所列风险等级的轨迹中，审阅期限已过者在期限内完成所需审阅的比例。"
        "期限未到的轨迹无论是否已审阅均不计入，否则数字会偏高；设 `pending: count` 则全部计入。",
    ),
    unit="share",
    direction=Direction.HIGHER,
    parameters=parameter_schema(
        within_hours={
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": MOST_HOURS,
            "description": "hours from sealing to the review",
        },
        pending={
            "enum": ["leave_out", "count"],
            "default": "leave_out",
            "description": "is a trace still within its time left out, or counted by what it has now",
        },
        risk_tiers=HIGH_TIER,
        **LOOKS,
    ),
    dimensions=TRACE_DIMENSIONS,
    reads=("Trace", "ReviewTask", "Review", "Reject"),
    independent=IndependentUnit.CONVERSATION,
    worst=worst_of(_ask),
)
def measure_within_time(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces that had the reviews required within the hours set from sealing."""
    return measure_asked(_ask(population, parameters), bound_confidence)
