"""What people did with the advice: whether they looked in time, and whether they said why they disagreed."""

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
from requirements.checks.contracts import Measured, Population, Words
from requirements.checks.parameters import ALL_TIERS, HIGH_TIER, LOOKS, TRACE_DIMENSIONS, parameter_schema
from requirements.checks.population import (
    Observations,
    Rows,
    admissible,
    count_set_aside,
    measure_share,
    observe_traces,
    settling_of,
    traces_in,
)
from requirements.checks.registry import check

_CHALLENGES = (Review.Decision.OVERRIDE, Review.Decision.REJECT, Review.Decision.ESCALATE)
_REFUSALS = (Review.Decision.OVERRIDE, Review.Decision.REJECT)


@check(
    name="reviews.within_time",
    version="4",
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
)
def measure_within_time(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces that had the reviews required within the hours set from sealing."""
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
    return measure_share(observed, good=Q(people__gte=F("required")), bound_confidence=bound_confidence)


@check(
    name="reviews.challenge_labelled",
    version="5",
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
)
def measure_challenge_labelled(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of overrides, rejections and escalations with a reason code and a rationale."""
    reviews = _reviews_in(population, parameters)
    challenges = reviews.filter(decision__in=_CHALLENGES)
    return measure_share(
        _observe_reviews(population, parameters, challenges),
        good=~Q(reason_code="") & Q(rationale__regex=r"\S"),
        bound_confidence=bound_confidence,
        further_inputs={"n_reviews": reviews.count(), "by_reason": _by_reason(challenges)},
    )


@check(
    name="reviews.overridden",
    version="5",
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
)
def measure_overridden(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of reviews that override or reject; a review of a mis-versioned trace counts as one that does."""
    reviews = _reviews_in(population, parameters)
    return measure_share(
        _observe_reviews(population, parameters, reviews),
        good=~Q(decision__in=_REFUSALS),
        bound_confidence=bound_confidence,
        direction=Direction.LOWER,
        further_inputs={"by_reason": _by_reason(reviews.filter(decision__in=_REFUSALS))},
    )


def _reviewers_in_time(population: Population, allowed: timedelta) -> QuerySet[Any]:
    """How many people reviewed the trace of the outer row within the time allowed from its sealing."""
    in_time = Review.objects.filter(
        task__trace_id=OuterRef("pk"),
        created_at__lte=OuterRef("sealed_at") + Value(allowed),
    ).filter(population.as_of.knew("created_at"))
    by_trace = in_time.order_by().values("task__trace_id")
    return by_trace.annotate(people=Count("reviewer", distinct=True)).values("people")


def _reviews_in(population: Population, parameters: Mapping[str, object]) -> QuerySet[Any]:
    traces = traces_in(population, parameters)
    return Review.objects.filter(
        population.as_of.knew("created_at"), task__trace__in=traces.values("pk")
    ).annotate(trace_digest=F("task__trace__digest"))


def _observe_reviews(
    population: Population, parameters: Mapping[str, object], reviews: QuerySet[Any]
) -> Observations:
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


def _by_reason(reviews: QuerySet[Any]) -> dict[str, int]:
    """Count challenges by decision and reason, e.g. {"reject/wrong_fact": 3}."""
    rows = reviews.order_by("decision", "reason_code").values_list("decision", "reason_code")
    return {f"{decision}/{reason or 'none'}": n for decision, reason, n in rows.annotate(n=Count("pk"))}
