"""Whether people agree on advice that was judged twice, by two of them or by the machine and one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.db.models import (
    Case,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)

from evidence.evals.contracts import Direction
from evidence.models import Review, ReviewTask
from evidence.statistics import two_sided
from evidence.statistics.agreement import estimate_alpha
from requirements.checks.contracts import (
    Counts,
    IndependentUnit,
    Measured,
    Obstacle,
    Population,
    Words,
    as_measured,
)
from requirements.checks.parameters import ALL_TIERS, LOOKS, TRACE_DIMENSIONS, parameter_schema
from requirements.checks.population import (
    Observations,
    Rows,
    admissible,
    count_rows,
    count_set_aside,
    find_bad,
    settling_of,
    tally_rows,
    traces_in,
)
from requirements.checks.registry import check

UNIT: Final = "alpha"
_APPROVE, _FAULT = Review.Decision.APPROVE.value, "fault"
_AGREE: Final = Q(first=F("second"))


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Tasks with two ratings each."""

    observations: Observations  # annotated with `first` and `second`
    categories: tuple[str, ...]


def _pair(population: Population, parameters: Mapping[str, object]) -> _Pairs:
    """Return the tasks that were judged twice, with both ratings: they never change, whoever judges later.

    That is what the first two people said, or the machine and the first of them.
    """
    tasks = ReviewTask.objects.filter(
        population.as_of.knew("created_at"), trace__in=traces_in(population, parameters).values("pk")
    ).annotate(trace_digest=F("trace__digest"))
    said = Review.objects.filter(population.as_of.knew("created_at"), task=OuterRef("pk"))
    in_order = said.order_by("created_at", "pk")
    by_machine = parameters["between"] == "machine_and_reviewer"
    nth = 0 if by_machine else 1
    judged = tasks.annotate(judged_at=Subquery(in_order.values("created_at")[nth : nth + 1]))
    if by_machine:
        people = Case(
            When(person=_APPROVE, then=Value(_APPROVE)), default=Value(_FAULT), output_field=TextField()
        )
        judged = judged.annotate(person=_decision(in_order, 0)).annotate(first=_of_machine(), second=people)
        categories: tuple[str, ...] = (_APPROVE, _FAULT)
    else:
        judged = judged.annotate(first=_decision(in_order, 0), second=_decision(in_order, 1))
        categories = tuple(Review.Decision.values)
    due = judged.filter(judged_at__isnull=True, due_at__lt=population.as_of.at)
    late = (due if by_machine else due.filter(reviews_required__gte=2)).count()
    observations = Observations(
        rows=judged.filter(judged_at__isnull=False),
        fit=admissible(population, "trace_id"),
        trace_digest="trace_digest",
        observed_at="judged_at",
        of=Rows.TASKS,
        came_at="judged_at",
        trace="trace",
        missing={**count_set_aside(population), **({"not_judged": late} if late else {})},
        settling=settling_of(population, parameters),
    )
    return _Pairs(observations, categories)


def _decision(in_order: QuerySet[Review], nth: int) -> Subquery:
    return Subquery(in_order.values("decision")[nth : nth + 1])


def _of_machine() -> Case:
    """What the machine would have said: nothing against it where each quote was found and no rule refused."""
    clean = Q(
        trace__facts__n_citations=F("trace__facts__n_citations_found"),
        trace__facts__n_policy_denied=0,
        trace__facts__n_policy_escalated=0,
    )
    return Case(When(clean, then=Value(_APPROVE)), default=Value(_FAULT), output_field=TextField())


def _find_disagreements(population: Population, parameters: Mapping[str, object]) -> QuerySet[Any] | None:
    return find_bad(_pair(population, parameters).observations, _AGREE)


@check(
    name="reviews.agreement",
    version="1",
    title=Words("Reviewers agree", "审阅意见一致"),
    measures=Words(
        "Krippendorff's alpha over the tasks that were judged twice: by the first two people, with their four "
        "decisions; or, with `between: machine_and_reviewer`, by the machine (a quote that was not found, or a rule "
        "that denied or escalated, speaks against the answer) and the first person (anything but approval does). 1 is "
        "perfect, 0 is chance. Its bounds count what chance explains as uncertain, too, and hold at all looks "
        "together. Tasks of one conversation are one unit. A task whose time is over and that was not judged twice "
        "counts as one without agreement for a pass, and as one with it for a fail; so does a trace that was set "
        "aside.",
        "对被判断两次的任务计算克里彭多夫 alpha 系数：由最先的两位审阅人按四种决定判断；"
        "设 `between: machine_and_reviewer` 时由机器（有引文未找到，或有规则拒绝、上报，即对回答不利）"
        "与第一位审阅人（除批准外均为不利）判断。1 为完全一致，0 为偶然。"
        "其界限把偶然一致的部分也视为不确定，且对所有查看同时成立。同一对话的任务为一个独立单元。"
        "期限已过而未被判断两次的任务，判断通过时计为不一致，判断不通过时计为一致；被搁置的轨迹亦然。",
    ),
    unit=UNIT,
    direction=Direction.HIGHER,
    parameters=parameter_schema(
        between={
            "enum": ["reviewers", "machine_and_reviewer"],
            "default": "reviewers",
            "description": "whose two judgements are compared",
        },
        risk_tiers=ALL_TIERS,
        **LOOKS,
    ),
    dimensions=TRACE_DIMENSIONS,
    reads=("Trace", "TraceFacts", "ReviewTask", "Review", "Reject"),
    independent=IndependentUnit.CONVERSATION,
    worst=_find_disagreements,
)
def measure_agreement(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Krippendorff's alpha of two judgements of each task, by `evidence.statistics.agreement`."""
    pairs = _pair(population, parameters)
    observations = pairs.observations
    agreeing = _and_fit(_AGREE)
    counted = count_rows(observations, agreeing)
    said = {
        category: [
            tally_rows(replace(observations, missing={}), _is(rating, category))
            for rating in ("first", "second")
        ]
        for category in pairs.categories
    }
    estimate = estimate_alpha(tally_rows(observations, agreeing), said, two_sided(bound_confidence))
    waiting = observations.rows.count() - counted.n
    ratings = {category: [round(tally.total) for tally in tallies] for category, tallies in said.items()}
    alike = Obstacle("ratings_all_alike", "all judgements are the same, and chance would explain as much")
    return as_measured(
        estimate,
        missing=observations.missing,
        bound_confidence=bound_confidence,
        inputs={
            "observations": {
                "n": counted.n, "successes": counted.hits, "mis_versioned": counted.n_inadmissible,
                "digest": counted.digest, "waiting": waiting,
            },
            "set_aside": dict(observations.missing),
            "ratings": ratings,
        },
        unit=UNIT,
        direction=Direction.HIGHER,
        observed_from=counted.first,
        observed_to=counted.last,
        obstacles=(alike,) if counted.n and estimate is None else (),
        counts=Counts(Rows.TASKS.value, Rows.TASKS.units(talks=counted.talks > 0), waiting),
    )  # fmt: skip


def _and_fit(condition: Q) -> Q:
    return condition & Q(fit=True)


def _is(rating: str, category: str) -> Q:
    return Q(**{rating: category})
