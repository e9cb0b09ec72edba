"""Metrics of eval suites, from the samples as they were stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from evidence.evals.contracts import SHARE, Direction
from evidence.evals.observations import estimate_metric
from evidence.models import EvalRun, EvalScore
from evidence.statistics import two_sided
from requirements.checks.contracts import (
    IndependentUnit,
    Measured,
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
from requirements.checks.judges import CORRECTED_BY_PEOPLE, judge_metric
from requirements.checks.parameters import PLANNED_RUNS, optional, parameter_schema
from requirements.checks.registry import check
from requirements.checks.samples import count_samples, gaps_in


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
    if declared is None:
        return nothing_measured(bound_confidence, parameters, obstacles)
    counted = count_samples(run, population, parameters)
    percentile = cast("float | None", parameters.get("percentile"))
    try:
        estimate = estimate_metric(
            counted.observed,
            bounded=declared.unit == SHARE,
            alone_missing=counted.alone_missing,
            confidence=two_sided(bound_confidence),
            q=None if percentile is None else percentile / 100,
        )
    except OverflowError:
        return nothing_measured(bound_confidence, parameters, (*obstacles, beyond_numbers(run)))
    judged = judge_metric(run, declared, counted, population, parameters, bound_confidence)
    gaps = gaps_in(run, counted, cast("float", parameters["max_missing_share"]))
    measured = as_measured(
        judged.estimate or estimate,
        missing=counted.missing.as_dict(),
        bound_confidence=bound_confidence,
        inputs={"eval_run": run_inputs(run, metric), "missing": counted.missing.as_dict(), **judged.inputs},
        unit=declared.unit,
        direction=Direction(declared.direction),
        observed_from=run.observed_from,
        observed_to=run.observed_to,
        obstacles=(
            *obstacles,
            *gaps,
            *less_than_others(run, lost=counted.alone_missing, as_of=population.as_of),
            *judged.obstacles,
        ),
    )
    return replace(measured, judge=judged.told)


@check(
    name="evals.metric",
    # 2: the newest run decides or explains; units, and what is missing, in the bounds; 3: planned runs share alpha;
    # 4: independent scores in [0, 1] have bounds of their own; a judge is registered, and corrected by people's labels;
    # 5: only a share has ends; a slot's name begins no new count of looks, and each measurement of a file is one
    version="5",
    title=Words("A metric of an eval suite", "评测套件的指标"),
    measures=Words(
        "One metric over the scored samples of the run of the suite on this release that was received last "
        "and is not retracted. It decides or explains: where it did not succeed or lacks the metric, "
        "no older run stands in for it. "
        "Suite, evaluator and dataset must be registered versions, and the ones named here where any are named. "
        "Attempts at one item (ITEM#ATTEMPT), and samples of one trace or conversation, are one unit. "
        "What errored, is unscored, was rejected or is absent, from the dataset or a sample, counts as failed for a "
        "pass and as passed for a fail; above `max_missing_share` of it the run cannot be a pass either way. "
        "With `percentile` it is that percentile of the values, of which the missing are infinite; a mean of values "
        "without bounds cannot be judged while any is missing, nor where they are too skewed. "
        "Each run with a score is a look, retracted or not, on any release with the same pinned versions; the "
        "`planned_runs` share what a wrong pass may cost, and a run beyond them is insufficient. "
        "A judge that gave the metric must be a registered version; without labels of people it is uncalibrated, which "
        "the decision says. With `corrected_by_people` the value and its bounds are what people would say of all "
        "answers: the judge's scores corrected by their labels (prediction-powered), which count in the order in which "
        "answers are drawn; a further set of labels is a further look.",
        "该发布版本上该套件最近收到且未撤回的运行中，已评分样本的某项指标。"
        "由该运行决定或说明原因：若其未成功或缺少该指标，绝不由更早的运行代替。"
        "套件、评测器和数据集必须是已登记的版本；如在此指定，则必须一致。"
        "同一题目的多次尝试（ITEM#ATTEMPT）以及同一轨迹或同一对话的样本为一个独立单元。"
        "出错、未评分、被拒收或缺失的样本，判断通过时按失败计，判断不通过时按成功计；"
        "其比例超过 `max_missing_share` 时，该运行不能算通过。"
        "设 `percentile` 时取该百分位数，缺失值视为无穷大；无界数值的均值在有缺失或过于偏斜时无法判定。"
        "每次有评分的运行都算一次查看，无论是否已撤回，凡固定版本相同的发布一并计数；"
        "`planned_runs` 次运行平分允许的误判概率，超出计划的运行一律为证据不足。"
        "给出指标的评判模型必须是已登记的版本；没有人工标注时为未校准，决定中会注明。"
        "设 `corrected_by_people` 时，数值及界限为人对全部回答的看法：用人工标注校正评判模型的评分（预测驱动推断），"
        "标注按抽取的顺序计入；每追加一组标注即为又一次查看。",
    ),
    unit=None,
    direction=None,
    parameters=parameter_schema(
        suite=SUITE,
        metric=METRIC,
        requirement=optional(
            {
                "type": "string",
                "minLength": 1,
                "description": "only samples that say they verify this requirement, by a property of the test "
                "(`requirement`, `verifies`, `requirement_id`); all where it is left out",
            }
        ),
        evaluator=EVALUATOR,
        dataset=DATASET,
        judge=JUDGE,
        corrected_by_people=CORRECTED_BY_PEOPLE,
        independent=INDEPENDENT,
        max_missing_share=MAX_MISSING_SHARE,
        unmentioned=UNMENTIONED,
        planned_runs=PLANNED_RUNS,
        percentile=optional(
            {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": 99.99,
                "description": "the percentile that is judged, e.g. 95; the mean where it is left out",
            }
        ),
    ),
    dimensions=None,
    reads=(
        "EvalRun",
        "EvalRemark",
        "EvalSample",
        "Label",
        "Retraction",
        "RetractionRequest",
        "Registration",
        "Reject",
    ),
    independent=IndependentUnit.SAMPLE,
    worst=worst_samples,
)
def measure_metric(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """One metric of the run that decides (`choose_run`); nothing where none does, with why."""
    return measure_deciding(population, parameters, bound_confidence, _measure_run)
