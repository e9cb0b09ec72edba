"""Whether people who challenge advice say why."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q

from evidence.evals.contracts import Direction
from requirements.checks.contracts import IndependentUnit, Measured, Population, Words
from requirements.checks.parameters import HIGH_TIER, LOOKS, TRACE_DIMENSIONS, parameter_schema
from requirements.checks.registry import check
from requirements.checks.reviews import CHALLENGES, by_reason, observe_reviews, reviews_in
from requirements.checks.shares import Asked, measure_asked, worst_of


def _ask(population: Population, parameters: Mapping[str, object]) -> Asked:
    reviews = reviews_in(population, parameters)
    challenges = reviews.filter(decision__in=CHALLENGES)
    return Asked(
        observe_reviews(population, parameters, challenges),
        good=~Q(reason_code="") & Q(rationale__regex=r"\S"),
        further_inputs={"n_reviews": reviews.count(), "by_reason": by_reason(challenges)},
    )


@check(
    name="reviews.challenge_labelled",
    version="6",
    title=Words("Challenges carry a labelled reason", "质疑附有标注理由"),
    measures=Words(
        "Of the reviews that override, reject or escalate advice of these risk tiers, "
        "the share with a reason code and a rationale in words. Rates by reason are among the inputs. "
        "A trace that was set aside, so that nobody could review it, counts as one without.",
        "对所列风险等级建议作出更改、拒绝或上报的审阅中，附有理由代码和文字说明的比例；"
        "按理由统计的比率列于输入中。被搁置而无人能够审阅的轨迹计为一次缺少理由的审阅。",
    ),
    unit="share",
    direction=Direction.HIGHER,
    parameters=parameter_schema(risk_tiers=HIGH_TIER, **LOOKS),
    dimensions=TRACE_DIMENSIONS,
    reads=("Trace", "ReviewTask", "Review", "Reject"),
    independent=IndependentUnit.CONVERSATION,
    worst=worst_of(_ask),
)
def measure_challenge_labelled(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of overrides, rejections and escalations with a reason code and a rationale."""
    return measure_asked(_ask(population, parameters), bound_confidence)
