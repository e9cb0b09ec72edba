"""Metrics of eval suites, from the samples as they were stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from django.db.models import Avg, Count, Q, StdDev, Sum

from evidence.evals.contracts import Direction
from evidence.models import EvalRun, EvalSample, EvalScore, Reject
from evidence.statistics import Estimate, mean_t_from_moments, two_sided, wilson
from evidence.vocabulary import RejectSource
from requirements.checks.contracts import Measured, Obstacle, Population, Words
from requirements.checks.deciding_runs import choose_run
from requirements.checks.parameters import optional, parameter_schema, share, version_reference
from requirements.checks.registry import check


@check(
    name="evals.metric",
    version="2",  # 2: the newest run decides or explains; no older one stands in for it
    title=Words("A metric of an eval suite", "评测套件的指标"),
    measures=Words(
        "One metric over the scored samples of the run of the suite on this release that was received last "
        "and is not retracted. It decides or explains: where it did not succeed or lacks the metric, "
        "no older run stands in for it. "
        "Suite, evaluator and dataset must be registered versions, and the ones named here where any are named. "
        "Unscored and errored samples never count as passes; "
        "above `max_missing_share` of them the run cannot be a pass.",
        "该发布版本上该套件最近收到且未撤回的运行中，已评分样本的某项指标。"
        "由该运行决定或说明原因：若其未成功或缺少该指标，绝不由更早的运行代替。"
        "套件、评测器和数据集必须是已登记的版本；如在此指定，则必须一致。"
        "未评分和出错的样本绝不算通过；其比例超过 `max_missing_share` 时，该运行不能算通过。",
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
                "whoever posted the run, whoever registered its dataset",
            }
        ),
        max_missing_share=share(
            0.05, meaning="largest share of samples, in [0, 1], that may be unscored or errored"
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
    nothing = replace(_nothing(bound_confidence, parameters), runs=chosen.seen, obstacles=chosen.obstacles)
    measured = (
        nothing
        if chosen.run is None
        else _measure_run(chosen.run, chosen.obstacles, nothing, population, parameters)
    )
    return replace(measured, inputs={**measured.inputs, "runs": chosen.inputs})


def _measure_run(
    run: EvalRun,
    obstacles: tuple[str, ...],
    nothing: Measured,
    population: Population,
    parameters: Mapping[str, object],
) -> Measured:
    metric = str(parameters["metric"])
    declared = EvalScore.objects.filter(run=run, metric=metric).order_by("pk").first()
    if declared is None:
        return nothing
    counted = _count_samples(run, metric, population)
    if not counted.n and not population.where:
        obstacles = (*obstacles, _why_nothing(run, metric, counted))
    bounded = declared.unit == "share" or declared.interval_method == "wilson"
    estimate = _estimate(counted, two_sided(nothing.bound_confidence), bounded=bounded)
    allowed = cast("float", parameters["max_missing_share"])
    if counted.n_expected and counted.n_missing / counted.n_expected > allowed:
        shares = f"{counted.n_missing} of {counted.n_expected} samples"
        obstacles = (*obstacles, Obstacle("samples_missing", f"{shares} are unscored, errored or rejected"))
    if estimate is not None and not estimate.stderr and not bounded:
        sentence = "all values are equal, which leaves no interval to judge by"
        obstacles = (*obstacles, Obstacle("no_spread", sentence))
    return replace(
        nothing,
        value=estimate.value if estimate else None,
        n=counted.n,
        successes=counted.total if bounded else None,
        low=estimate.low if estimate else None,
        high=estimate.high if estimate else None,
        unit=declared.unit,
        direction=Direction(declared.direction),
        observed_from=run.observed_from,
        observed_to=run.observed_to,
        inputs={"eval_run": _inputs(run, metric, counted)},
        obstacles=obstacles,
    )


def _why_nothing(run: EvalRun, metric: str, counted: _Counted) -> Obstacle:
    """Say why a run has no observation: it is empty, each of its samples was rejected, or none was scored."""
    if not counted.n_missing:
        return Obstacle("run_empty", f"run {run} has no sample with {metric}")
    if not EvalSample.objects.filter(run=run).exists():
        return Obstacle("all_rejected", f"each of the {counted.n_missing} samples of run {run} was rejected")
    return Obstacle("nothing_scored", f"none of the {counted.n_missing} samples of run {run} was scored")


@dataclass(frozen=True, slots=True)
class _Counted:
    """The samples of a run under one metric, in one slice."""

    n: int  # scored
    n_missing: int  # unscored, errored, or rejected when the file was read
    total: float | None  # sum of the values; None without any
    mean: float | None
    deviation: float | None  # sample standard deviation; None below two values

    @property
    def n_expected(self) -> int:
        """How many samples there would be had none gone missing."""
        return self.n + self.n_missing


def _count_samples(run: EvalRun, metric: str, population: Population) -> _Counted:
    samples = EvalSample.objects.filter(run=run, metric=metric)
    if population.where:
        samples = samples.filter(slice__contains=dict(population.where))
    scored = Q(status=EvalSample.Status.SCORED)
    counted = samples.aggregate(
        n=Count("pk", filter=scored),
        n_missing=Count("pk", filter=~scored),
        total=Sum("value"),
        mean=Avg("value"),
        deviation=StdDev("value", sample=True),
    )
    rejected = Reject.objects.filter(
        population.as_of.knew("created_at"),
        system_id=population.system_id,
        source=RejectSource.EVAL_SAMPLE,
        source_ref=run.run_key,
    )
    return _Counted(**{**counted, "n_missing": counted["n_missing"] + rejected.count()})


def _inputs(run: EvalRun, metric: str, counted: _Counted) -> dict[str, object]:
    return {
        "run_key": run.run_key,
        "raw": run.raw_id,
        "parser": run.parser_version,
        "suite": run.suite.digest,
        "evaluator": run.evaluator.digest,
        "dataset": run.dataset.digest,
        "metric": metric,
        "n_missing": counted.n_missing,
    }


def _estimate(counted: _Counted, confidence: float, *, bounded: bool) -> Estimate | None:
    if not counted.n or counted.total is None or counted.mean is None:
        return None
    if bounded:
        return wilson(min(max(counted.total, 0.0), counted.n), counted.n, confidence)
    if counted.n < 2:
        return Estimate(counted.mean, counted.n, None, None, None, confidence, "mean_t")
    return mean_t_from_moments(counted.mean, counted.deviation or 0.0, counted.n, confidence)


def _nothing(bound_confidence: float, parameters: Mapping[str, object]) -> Measured:
    return Measured(
        value=None,
        n=0,
        successes=None,
        low=None,
        high=None,
        bound_confidence=bound_confidence,
        unit="",
        direction=Direction.HIGHER,
        observed_from=None,
        observed_to=None,
        inputs={"eval_run": None, "metric": parameters["metric"]},
    )
