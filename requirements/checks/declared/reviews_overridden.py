"""How much advice people override or reject."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q

from evidence.evals.contracts import Direction
from requirements.checks.contracts import IndependentUnit, Measured, Population, Words
from requirements.checks.parameters import ALL_TIERS, LOOKS, TRACE_DIMENSIONS, parameter_schema
from requirements.checks.registry import check
from requirements.checks.reviews import REFUSALS, by_reason, observe_reviews, reviews_in
from requirements.checks.shares import Asked, measure_asked, worst_of


def _ask(population: Population, parameters: Mapping[str, object]) -> Asked:
    reviews = reviews_in(population, parameters)
    return Asked(
        observe_reviews(population, parameters, reviews),
        good=~Q(decision__in=REFUSALS),
        direction=Direction.LOWER,
        further_inputs={"by_reason": by_reason(reviews.filter(decision__in=REFUSALS))},
    )


@check(
    name="reviews.overridden",
    version="6",
    title=Words("Advice that reviewers override or reject", "被审阅人更改或拒绝的建议"),
    measures=Words(
        "Of the reviews of advice of these risk tiers, the share that override or reject it. "
        "A trace that was set aside, so that nobody could review it, counts as one that was rejected.",
        "对所列风险等级建议的审阅中，作出更改或拒绝的比例。被搁置而无人能够审阅的轨迹计为一次拒绝。",
    ),
    unit="share",
    direction=Direction.LOWER,
    parameters=parameter_schema(risk_tiers=ALL_TIERS, **LOOKS),
    dimensions=TRACE_DIMENSIONS,
    reads=("Trace", "ReviewTask", "Review", "Reject"),
    independent=IndependentUnit.CONVERSATION,
    worst=worst_of(_ask),
)
def measure_overridden(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of reviews that override or reject; a review of a mis-versioned trace counts as one that does."""
    return measure_asked(_ask(population, parameters), bound_confidence)
