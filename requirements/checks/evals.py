"""Metrics of eval suites, from the samples as they were stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from evidence.evals.contracts import Direction, ScoreStatus
from evidence.evals.observations import Observed, count_missing, estimate_metric, units_of
from evidence.models import EvalRun, EvalSample, EvalScore, Reject
from evidence.statistics import Missing, two_sided
from evidence.vocabulary import ABSENT, RejectSource
from requirements.checks.contracts import Measured, Obstacle, Population, Words, as_measured
from requirements.checks.dataset_size import less_than_others
from requirements.checks.deciding_runs import choose_run
from requirements.checks.looks import beyond_plan, find_look
from requirements.checks.parameters import (
    PLANNED_RUNS,
    look_plan,
    optional,
    parameter_schema,
    share,
    version_reference,
)
from requirements.checks.registry import check

# Of scores that cannot leave [0, 1]; the first is of runs from before intervals counted units.
_BOUNDED_METHODS: Final = frozenset({"wilson", "clopper_pearson", "gaffke", "korn_graubard"})


@check(
    name="evals.metric",
    # 2: the newest run decides or explains; units, and what is missing, in the bounds; 3: planned runs share alpha;
    # 4: independent scores in [0, 1] have bounds of their own
    version="4",
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
        "`planned_runs` share what a wrong pass may cost, and a run beyond them is insufficient.",
        "该发布版本上该套件最近收到且未撤回的运行中，已评分样本的某项指标。"
        "由该运行决定或说明原因：若其未成功或缺少该指标，绝不由更早的运行代替。"
        "套件、评测器和数据集必须是已登记的版本；如在此指定，则必须一致。"
        "同一题目的多次尝试（ITEM#ATTEMPT）以及同一轨迹或同一对话的样本为一个独立单元。"
        "出错、未评分、被拒收或缺失的样本，判断通过时按失败计，判断不通过时按成功计；"
        "其比例超过 `max_missing_share` 时，该运行不能算通过。"
        "设 `percentile` 时取该百分位数，缺失值视为无穷大；无界数值的均值在有缺失或过于偏斜时无法判定。"
        "每次有评分的运行都算一次查看，无论是否已撤回，凡固定版本相同的发布一并计数；"
        "`planned_runs` 次运行平分允许的误判概率，超出计划的运行一律为证据不足。",
    ),
    unit=None,
    direction=None,
    parameters=parameter_schema(
        suite=version_reference("which suite; with label or digest, which version of it"),
        metric={"type": "string", "minLength": 1, "description": "the metric's name in the eval file"},
        evaluator=optional(version_reference("the only evaluator version that counts")),
        dataset=optional(version_reference("the only dataset version that counts")),
        independent=optional(
            {
                "type": "array",
                "items": {"enum": ["poster", "dataset"]},
                "uniqueItems": True,
                "description": "who must not have built the release (registered it, or put what it pins on record): "
                "whoever posted the run; whoever registered its dataset, or had posted a run on it before the release "
                "was made",
            }
        ),
        max_missing_share=share(
            0.05,
            meaning="largest share of samples, in [0, 1], that may be missing; it makes no pass, only none sooner",
        ),
        unmentioned=optional(
            {
                "enum": ["missing", "not_applicable"],
                "description": "whether a sample that does not mention the metric lacks it, as it does unless stated",
            }
        ),
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
    reads=("EvalRun", "EvalSample", "Retraction", "RetractionRequest", "Registration"),
)
def measure_metric(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """One metric of the run that decides (`choose_run`); nothing where none does, with why."""
    chosen = choose_run(population, parameters)
    plan = look_plan(parameters, bound_confidence)
    look = find_look(chosen.run, plan, parameters, population.as_of) if chosen.run else None
    obstacles = (*chosen.obstacles, *beyond_plan(look))
    measured = (
        _nothing(1 - plan.share, parameters, obstacles)
        if chosen.run is None
        else _measure_run(chosen.run, obstacles, population, parameters, 1 - plan.share)
    )
    inputs = {**measured.inputs, "runs": chosen.inputs, "look": look}
    return replace(measured, runs=chosen.seen, look=look, inputs=inputs)


def _measure_run(
    run: EvalRun,
    obstacles: tuple[str, ...],
    population: Population,
    parameters: Mapping[str, object],
    bound_confidence: float,
) -> Measured:
    metric = str(parameters["metric"])
    declared = EvalScore.objects.filter(run=run, metric=metric).order_by("pk").first()
    if declared is None:
        return _nothing(bound_confidence, parameters, obstacles)
    counted = _count_samples(run, population, parameters)
    percentile = cast("float | None", parameters.get("percentile"))
    estimate = estimate_metric(
        counted.observed,
        bounded=declared.unit == "share" or declared.interval_method in _BOUNDED_METHODS,
        alone_missing=counted.alone_missing,
        confidence=two_sided(bound_confidence),
        q=None if percentile is None else percentile / 100,
    )
    return as_measured(
        estimate,
        missing=counted.missing.as_dict(),
        bound_confidence=bound_confidence,
        inputs={"eval_run": _inputs(run, metric), "missing": counted.missing.as_dict()},
        unit=declared.unit,
        direction=Direction(declared.direction),
        observed_from=run.observed_from,
        observed_to=run.observed_to,
        obstacles=(
            *obstacles,
            *_gaps(run, counted, cast("float", parameters["max_missing_share"])),
            *less_than_others(run, lost=counted.alone_missing, as_of=population.as_of),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Counted:
    """The samples of a run under one metric, in one slice."""

    observed: Sequence[Observed]
    missing: Missing
    alone_missing: int  # of the missing, those of which nobody knows the item
    is_open: bool  # whether nobody knows how much of the dataset was left out


def _count_samples(run: EvalRun, population: Population, parameters: Mapping[str, object]) -> _Counted:
    """Read the samples of a slice; what was rejected or never sent could be of any slice, and counts in each."""
    entries = Reject.objects.filter(
        population.as_of.knew("created_at"),
        system_id=population.system_id,
        source=RejectSource.EVAL_SAMPLE,
        source_ref=run.run_key,
    )
    plan = entries.filter(code=ABSENT).values_list("item", flat=True).first() or {}
    rejected, absent = entries.exclude(code=ABSENT).count(), plan.get("absent", 0)
    observed = list(_observe(run, population, str(parameters["metric"])))
    if parameters.get("unmentioned") == "not_applicable":
        observed = [each for each in observed if each.status is not None]
    missing = count_missing(observed, rejected=rejected, absent=absent)
    return _Counted(observed, missing, rejected + absent, plan.get("open", False))


def _observe(run: EvalRun, population: Population, metric: str) -> Iterator[Observed]:
    """Yield each sample of the slice under the metric, by its unit among all samples of the run."""
    rows = list(
        EvalSample.objects.filter(run=run)
        .order_by("sample_id", "metric")
        .values_list("sample_id", "trace_id", "metric", "status", "value", "slice")
    )
    units = units_of((sample_id, trace.hex if trace else None, part) for sample_id, trace, *_, part in rows)
    scores = {sample_id: (status, value) for sample_id, _, of, status, value, _ in rows if of == metric}
    where = population.where.items()
    for sample_id, slice_of in {sample_id: part for sample_id, *_, part in rows}.items():
        if where <= slice_of.items():
            status, value = scores.get(sample_id, (None, None))
            yield Observed(units[sample_id], None if status is None else ScoreStatus(status), value)


def _gaps(run: EvalRun, counted: _Counted, allowed: float) -> Iterator[Obstacle]:
    """Say why what is missing keeps the run from passing, whatever the bounds say."""
    missing, n = counted.missing.total, len(counted.observed) + counted.alone_missing
    told = ", ".join(f"{count} {how}" for how, count in counted.missing.as_dict().items())
    if not n:
        yield Obstacle("run_empty", f"run {run} holds no sample here")
    elif missing == n:
        code = "all_rejected" if counted.missing.rejected == n else "nothing_scored"
        yield Obstacle(code, f"all {n} samples of run {run} are missing: {told}")
    elif missing / n > allowed:
        yield Obstacle("samples_missing", f"{missing} of {n} samples are missing: {told}")
    if counted.is_open:
        sentence = "the run was limited, and nobody says how many samples the dataset has (dataset.samples)"
        yield Obstacle("dataset_unsized", sentence)


def _inputs(run: EvalRun, metric: str) -> dict[str, object]:
    return {
        "run_key": run.run_key,
        "raw": run.raw_id,
        "parser": run.parser_version,
        "suite": run.suite.digest,
        "evaluator": run.evaluator.digest,
        "dataset": run.dataset.digest,
        "metric": metric,
    }


def _nothing(
    bound_confidence: float, parameters: Mapping[str, object], obstacles: tuple[str, ...]
) -> Measured:
    return as_measured(
        None,
        missing={},
        bound_confidence=bound_confidence,
        inputs={"eval_run": None, "metric": parameters["metric"]},
        unit="",
        direction=Direction.HIGHER,
        obstacles=obstacles,
    )
