"""The reviews of a release's traces, as what is counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Count, F, QuerySet

from evidence.models import Review
from requirements.checks.contracts import Population
from requirements.checks.population import (
    Observations,
    Rows,
    admissible,
    count_set_aside,
    settling_of,
    traces_in,
)

CHALLENGES: Final = (Review.Decision.OVERRIDE, Review.Decision.REJECT, Review.Decision.ESCALATE)
REFUSALS: Final = (Review.Decision.OVERRIDE, Review.Decision.REJECT)


def reviews_in(population: Population, parameters: Mapping[str, object]) -> QuerySet[Any]:
    """Return the reviews of the traces of the population."""
    traces = traces_in(population, parameters)
    return Review.objects.filter(
        population.as_of.knew("created_at"), task__trace__in=traces.values("pk")
    ).annotate(trace_digest=F("task__trace__digest"))


def observe_reviews(
    population: Population, parameters: Mapping[str, object], reviews: QuerySet[Any]
) -> Observations:
    """Return some of these reviews as what is counted."""
    return Observations(
        rows=reviews,
        fit=admissible(population, "task__trace_id"),
        trace_digest="trace_digest",
        observed_at="created_at",
        of=Rows.REVIEWS,
        came_at="created_at",
        trace="task__trace",
        missing=count_set_aside(population),
        settling=settling_of(population, parameters),
    )


def by_reason(reviews: QuerySet[Any]) -> dict[str, int]:
    """Count challenges by decision and reason, e.g. {"reject/wrong_fact": 3}."""
    rows = reviews.order_by("decision", "reason_code").values_list("decision", "reason_code")
    return {f"{decision}/{reason or 'none'}": n for decision, reason, n in rows.annotate(n=Count("pk"))}
