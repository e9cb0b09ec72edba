"""The worst slice of an eval suite: each value of a dimension has to reach the threshold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, cast

from evidence.evals.contracts import SHARE, Direction
from evidence.evals.observations import Observed, estimate_metric
from evidence.models import EvalRun, EvalScore
from evidence.statistics import Estimate, two_sided
from evidence.statistics.worst import estimate_worst
from requirements.checks.contracts import (
    IndependentUnit,
    Measured,
    Obstacle,
    Population,
    Words,
    as_measured,
)
from requirements.checks.dataset_size import less_than_others
from requirements.checks.eval_runs import (
    DATASET,
    EVALUATOR,
    INDEPENDENT,
    JUDGE,
    MAX_MISSING_SHARE,
    METRIC,
    SUITE,
    UNMENTIONED,
    beyond_numbers,
    measure_deciding,
    nothing_measured,
    run_inputs,
    worst_samples,
)
from requirements.checks.judges import judge_metric
from requirements.checks.parameters import PLANNED_RUNS, names, optional, parameter_schema
from requirements.checks.registry import check
from requirements.checks.samples import count_samples, gaps_in

_MOST: Final = 200  # slices; of more the dimension is no slice, it is the sample
_UNSTATED: Final = "(not stated)"  # samples that do not say their value are a slice of their own


@check(
    name="evals.worst_slice",
    version="3",
    title=Words("The worst slice of an eval suite", "评测套件中表现最差的切片"),
    measures=Words(
        "The metric of an eval suite, as `evals.metric` measures it, in the worst of the slices of one dimension: each "
        "of its values has to reach the threshold. Samples that do not state it are a slice of their own. That every "
        "slice passes is shown by the bound of each at the whole of alpha, however many there are (Berger's "
        "intersection-union test: to pass wrongly, the slice that is truly worst has to). That one fails may be shown "
        "wrongly by any of them, so there each bound is at its part of alpha. What was rejected or is absent could be "
        "of any slice, and is missing in each. Where no sample states the dimension, there is no pass.",
        "按 `evals.metric` 的方法计算评测套件的指标，取某一维度各切片中最差者：该维度的每个取值都必须达到阈值。"
        "未注明该维度的样本自成一个切片。全部切片通过，须由各切片的界限以全部 alpha 证明，与切片数目无关"
        "（伯杰的交并检验：误判通过须真正最差的切片被误判）；某个切片不通过可能由任何一个切片误判，故各界限平分 alpha。"
        "被拒收或缺失的样本可能属于任一切片，在每个切片中均计为缺失。没有样本注明该维度时不能通过。",
    ),
    unit=None,
    direction=None,
    parameters=parameter_schema(
        suite=SUITE,
        metric=METRIC,
        dimension={
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "the dimension of the samples' slices, such as `language`",
        },
        expected=names([], meaning="values that must be there; one that is not keeps the run from passing"),
        min_n_each=optional(
            {
                "type": "integer",
                "minimum": 1,
                "maximum": 1_000_000,
                "description": "how many scored samples each slice must have; 1 unless stated",
            }
        ),
        evaluator=EVALUATOR,
        dataset=DATASET,
        judge=JUDGE,
        independent=INDEPENDENT,
        max_missing_share=MAX_MISSING_SHARE,
        unmentioned=UNMENTIONED,
        planned_runs=PLANNED_RUNS,
    ),
    dimensions=None,
    reads=(
        "EvalRun",
        "EvalRemark",
        "EvalSample",
        "Retraction",
        "RetractionRequest",
        "Registration",
        "Reject",
    ),
    independent=IndependentUnit.SAMPLE,
    worst=worst_samples,
)
def measure_worst_slice(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """The worst slice of the run that decides, by `evidence.statistics.worst.estimate_worst`."""
    return measure_deciding(population, parameters, bound_confidence, _measure_run)


def _measure_run(
    run: EvalRun,
    obstacles: tuple[str, ...],
    population: Population,
    parameters: Mapping[str, object],
    bound_confidence: float,
) -> Measured:
    metric = str(parameters["metric"])
    scores = EvalScore.objects.filter(run=run, metric=metric).select_related("judge__artefact")
    declared = scores.order_by("pk").first()
    counted = count_samples(run, population, parameters)
    if declared is None or not counted.by_id:
        return nothing_measured(bound_confidence, parameters, obstacles)
    slices = _by_value(run, parameters, counted.by_id)
    if len(slices) > _MOST:
        many = Obstacle(
            "too_many_slices", f"{parameters['dimension']} has {len(slices)} values, more than {_MOST}"
        )
        return nothing_measured(bound_confidence, parameters, (*obstacles, many))
    estimates = {
        name: partial(
            _estimate,
            observed=observed,
            bounded=declared.unit == SHARE,
            alone_missing=counted.alone_missing,
        )
        for name, observed in slices.items()
    }
    direction = Direction(declared.direction)
    try:
        found = estimate_worst(
            estimates, two_sided(bound_confidence), higher_is_better=direction is Direction.HIGHER
        )
    except OverflowError:
        return nothing_measured(bound_confidence, parameters, (*obstacles, beyond_numbers(run)))
    judged = judge_metric(run, declared, counted, population, parameters, bound_confidence)
    measured = as_measured(
        found.estimate,
        missing=counted.missing.as_dict(),
        bound_confidence=bound_confidence,
        inputs={
            "eval_run": run_inputs(run, metric),
            "missing": counted.missing.as_dict(),
            "slices": {name: len(observed) for name, observed in slices.items()},
            "deciding_slice": found.name,
            **judged.inputs,
        },
        unit=declared.unit,
        direction=direction,
        observed_from=run.observed_from,
        observed_to=run.observed_to,
        obstacles=(
            *obstacles,
            *gaps_in(run, counted, cast("float", parameters["max_missing_share"])),
            *less_than_others(run, lost=counted.alone_missing, as_of=population.as_of),
            *_holes(slices, parameters),
            *judged.obstacles,
        ),
    )
    return replace(measured, judge=judged.told)


def _by_value(
    run: EvalRun, parameters: Mapping[str, object], by_id: Mapping[str, Observed]
) -> dict[str, list[Observed]]:
    """Return the samples by their value of the dimension, by name."""
    dimension = str(parameters["dimension"])
    values = run.samples.values_list("sample_id", "slice").distinct()
    value_of = {sample_id: str(where[dimension]) for sample_id, where in values if dimension in where}
    slices: dict[str, list[Observed]] = {}
    for sample_id, observed in sorted(by_id.items()):
        slices.setdefault(value_of.get(sample_id, _UNSTATED), []).append(observed)
    return dict(sorted(slices.items()))


def _estimate(
    confidence: float, *, observed: Sequence[Observed], bounded: bool, alone_missing: int
) -> Estimate | None:
    return estimate_metric(observed, bounded=bounded, alone_missing=alone_missing, confidence=confidence)


def _holes(slices: Mapping[str, Sequence[Observed]], parameters: Mapping[str, object]) -> Iterator[Obstacle]:
    """Say which slices are not there, or too small, whatever the bounds say."""
    least = int(cast("float", parameters.get("min_n_each", 1)))
    dimension = parameters["dimension"]
    if set(slices) == {_UNSTATED}:
        yield Obstacle("dimension_absent", f"no sample states {dimension}, so there are no slices of it")
    for name in cast("Sequence[str]", parameters["expected"]):
        if name not in slices:
            yield Obstacle("slice_absent", f"no sample has {dimension}={name}")
    for name, observed in slices.items():
        scored = sum(each.value is not None for each in observed)
        if scored < least:
            yield Obstacle("slice_too_small", f"{dimension}={name} has {scored} scored samples, not {least}")
