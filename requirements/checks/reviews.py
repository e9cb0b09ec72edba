"""What people did with the advice: whether they looked in time, and whether they said why they disagreed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from evidence.models import Review, ReviewTask
from requirements.checks.contracts import Measured, Population
from requirements.checks.population import admissible, measure_share, traces_in

_CHALLENGES = (Review.Decision.OVERRIDE, Review.Decision.REJECT, Review.Decision.ESCALATE)


def measure_within_time(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces that had the reviews required within the hours set from sealing."""
    allowed = timedelta(hours=cast("float", parameters["within_hours"]))
    traces = traces_in(population, parameters)
    if parameters["pending"] == "leave_out":
        traces = traces.filter(sealed_at__lte=population.as_of - allowed)
    in_time = (
        Review.objects.filter(
            task__trace_id=OuterRef("pk"),
            created_at__lte=OuterRef("sealed_at") + Value(allowed),
        )
        .filter(created_at__lte=population.as_of)
        .order_by()
        .values("task__trace_id")
        .annotate(people=Count("reviewer", distinct=True))
        .values("people")
    )
    required = ReviewTask.objects.filter(trace_id=OuterRef("pk")).values("reviews_required")
    counted = traces.annotate(
        people=Coalesce(Subquery(in_time, output_field=IntegerField()), 0),
        required=Coalesce(Subquery(required, output_field=IntegerField()), 1),
    )
    return measure_share(
        counted,
        good=Q(people__gte=F("required")),
        fit=admissible(population),
        bound_confidence=bound_confidence,
        identity="digest",
        observed_at="ended_at",
    )


def measure_challenge_labelled(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of overrides, rejections and escalations with a reason code and a rationale."""
    reviews = _reviews_in(population, parameters)
    challenges = reviews.filter(decision__in=_CHALLENGES)
    return measure_share(
        challenges,
        good=~Q(reason_code="") & Q(rationale__regex=r"\S"),
        fit=admissible(population, "task__trace_id"),
        bound_confidence=bound_confidence,
        identity="trace_digest",
        observed_at="created_at",
        further_inputs={"n_reviews": reviews.count(), "by_reason": _by_reason(challenges)},
    )


def measure_overridden(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of reviews that override or reject; a review of a mis-versioned trace counts as one that does."""
    reviews = _reviews_in(population, parameters)
    refused = (Review.Decision.OVERRIDE, Review.Decision.REJECT)
    return measure_share(
        reviews,
        good=~Q(decision__in=refused),
        fit=admissible(population, "task__trace_id"),
        bound_confidence=bound_confidence,
        identity="trace_digest",
        observed_at="created_at",
        direction="lower",
        further_inputs={"by_reason": _by_reason(reviews.filter(decision__in=refused))},
    )


def _reviews_in(population: Population, parameters: Mapping[str, object]) -> QuerySet[Any]:
    traces = traces_in(population, parameters)
    return Review.objects.filter(
        task__trace__in=traces.values("pk"), created_at__lte=population.as_of
    ).annotate(
        trace_digest=F("task__trace__digest"),
    )


def _by_reason(reviews: QuerySet[Any]) -> dict[str, int]:
    """Count challenges by decision and reason, e.g. {"reject/wrong_fact": 3}."""
    rows = reviews.order_by("decision", "reason_code").values_list("decision", "reason_code")
    return {f"{decision}/{reason or 'none'}": n for decision, reason, n in rows.annotate(n=Count("pk"))}
