"""Whether a release is no worse than a baseline release, but for a margin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from evidence.evals.contracts import Direction
from evidence.models import EvalRun, EvalScore, Release
from evidence.selectors.eval_comparisons import LARGEST, observations_of, scale_of
from evidence.selectors.registrations import say_unregistered, unregistered_pins
from evidence.statistics import Estimate, two_sided
from evidence.statistics.comparison import Comparison, Observation, compare
from evidence.statistics.numerics import outward
from requirements.checks.contracts import (
    Counts,
    IndependentUnit,
    Measured,
    Obstacle,
    Population,
    Words,
    as_measured,
)
from requirements.checks.deciding_runs import choose_run
from requirements.checks.eval_runs import (
    DATASET,
    EVALUATOR,
    INDEPENDENT,
    JUDGE,
    MAX_MISSING_SHARE,
    METRIC,
    SUITE,
    beyond_numbers,
    measure_deciding,
    nothing_measured,
    run_inputs,
    worst_samples,
)
from requirements.checks.looks import beyond_plan, evidence_of, scored_runs
from requirements.checks.parameters import PLANNED_RUNS, look_plan, parameter_schema
from requirements.checks.registry import check
from requirements.checks.samples import Counted, count_samples, gaps_in

if TYPE_CHECKING:
    from evidence.gate_reasons import LookTold

UNIT: Final = "difference"


@check(
    name="evals.non_inferior",
    # 2: the baseline's pins are registered; 3: each run of the baseline but its first is a further look, and so is each
    # measurement of a file; 4: what both runs have and lack is told, and no digits of a difference that are none
    version="4",
    title=Words("No worse than a baseline release", "不劣于基线发布"),
    measures=Words(
        "By how much a metric of an eval suite is better on this release than on the baseline release: a threshold of "
        "-0.05 allows it to be worse by less than 0.05. Of either release that run counts which decides, as for "
        "`evals.metric`. Items are paired by their ids where the runs share at least half of them, and compared as two "
        "groups otherwise, by the methods of `tracebinder compare`. What either run lacks is taken to be worst for "
        "this release and best for the baseline for a pass, and the other way round for a fail. Runs of another "
        "evaluator, dataset or judge, or a metric without ends, cannot pass. Each run of the baseline but its first is "
        "a further look, as each run of this release is: whoever measures it until it comes out badly, looks.",
        "评测套件的指标在本发布上比基线发布好多少：阈值 -0.05 允许变差不到 0.05。"
        "两个发布均以 `evals.metric` 的规则选取起决定作用的运行。"
        "两次运行共有至少一半题目时按题目标识配对，否则按两组比较，方法与 `tracebinder compare` 相同。"
        "任一运行缺少的内容，判断通过时按对本发布最不利、对基线最有利计，判断不通过时相反。"
        "评测器、数据集或评判模型不同的运行，以及没有上下限的指标，不能通过。"
        "基线除首次之外的每次运行与本发布的每次运行一样，均为又一次查看：反复测量基线直到结果变差，也是查看。",
    ),
    unit=UNIT,
    direction=Direction.HIGHER,
    parameters=parameter_schema(
        suite=SUITE,
        metric=METRIC,
        baseline={
            "type": "string",
            "minLength": 1,
            "maxLength": 64,
            "description": "the name of the release that this one must not be worse than",
        },
        evaluator=EVALUATOR,
        dataset=DATASET,
        judge=JUDGE,
        independent=INDEPENDENT,
        max_missing_share=MAX_MISSING_SHARE,
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
        "Release",
    ),
    independent=IndependentUnit.SAMPLE,
    worst=worst_samples,
)
def measure_non_inferior(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """The improvement over the baseline's run that decides, with all that is missing against it and for it."""
    measured = measure_deciding(population, parameters, bound_confidence, _measure_run)
    if measured.look is None:
        return measured
    further = _looks_by_baseline(measured, population, parameters)
    look: LookTold = {**measured.look, "number": measured.look["number"] + further}
    if look["number"] > look_plan(parameters, bound_confidence).looks:
        look = {**look, "alpha": None}
    obstacles = tuple(each for each in measured.obstacles if getattr(each, "code", "") != "beyond_plan")
    inputs = {**measured.inputs, "look": look, "looks_by_baseline": further}
    return replace(
        measured,
        look=look,
        obstacles=(*obstacles, *beyond_plan(look)),
        inputs=inputs,
    )


def _measure_run(
    run: EvalRun,
    obstacles: tuple[str, ...],
    population: Population,
    parameters: Mapping[str, object],
    bound_confidence: float,
) -> Measured:
    metric = str(parameters["metric"])
    base = _baseline(population, parameters)
    if base is None or base.release_id == population.release_id:
        why = "is this release itself" if base else "is not on record"
        absent = Obstacle("no_baseline", f"the baseline release {parameters['baseline']!r} {why}")
        return nothing_measured(bound_confidence, parameters, (*obstacles, absent))
    chosen = choose_run(base, parameters)
    stands = [*obstacles, *(_of_baseline(each) for each in (*chosen.obstacles, *_unregistered(base)))]
    ours, theirs = _declared(run, metric), _declared(chosen.run, metric)
    if chosen.run is None or ours is None or theirs is None:
        return nothing_measured(bound_confidence, parameters, tuple(stands))
    stands += _differing(run, chosen.run, ours, theirs)
    counted = [count_samples(each, population, parameters) for each in (run, chosen.run)]
    allowed = cast("float", parameters["max_missing_share"])
    stands += gaps_in(run, counted[0], allowed)
    stands += (_of_baseline(each) for each in gaps_in(chosen.run, counted[1], allowed))
    mostly_missing = tuple(_mostly_missing((run, chosen.run), counted))
    if mostly_missing:
        return nothing_measured(bound_confidence, parameters, (*stands, *mostly_missing))
    new, old = (
        _observations(each, metric, population, of)
        for each, of in zip((run, chosen.run), counted, strict=True)
    )
    if any(abs(each.value) > LARGEST for each in (*old, *new) if each.value is not None):
        return nothing_measured(bound_confidence, parameters, (*stands, beyond_numbers(run)))
    found = compare(old, new, scale_of(ours, (*old, *new)), alpha=1 - bound_confidence)
    return as_measured(
        _estimate(found, bound_confidence),
        missing=counted[0].missing.as_dict(),
        bound_confidence=bound_confidence,
        inputs={
            "eval_run": run_inputs(run, metric),
            "missing": counted[0].missing.as_dict(),
            "baseline_run": run_inputs(chosen.run, metric),
            "baseline_missing": counted[1].missing.as_dict(),
            "baseline_runs": chosen.inputs,
            "paired": found.paired,
        },
        unit=UNIT,
        direction=Direction.HIGHER,
        observed_from=run.observed_from,
        observed_to=run.observed_to,
        obstacles=tuple(stands),
        counts=Counts(
            compared={
                "release": {"n": found.n_candidate, "missing": counted[0].missing.as_dict()},
                "baseline": {"n": found.n_baseline, "missing": counted[1].missing.as_dict()},
            }
        ),
    )


def _baseline(population: Population, parameters: Mapping[str, object]) -> Population | None:
    """Return the facts of the baseline release, whatever their age; None where there was none of that name."""
    known = Release.objects.filter(population.as_of.knew("created_at"), system_id=population.system_id)
    pk = known.filter(name=parameters["baseline"]).values_list("pk", flat=True).first()
    return None if pk is None else replace(population, release_id=pk, since=None)


def _unregistered(base: Population) -> Iterator[Obstacle]:
    """Say that the baseline pins what nobody vouches for: whoever may choose it could choose one that is worse."""
    if pins := unregistered_pins(Release.objects.get(pk=base.release_id), base.as_of):
        yield Obstacle("pin_unregistered", say_unregistered(pins))


def _declared(run: EvalRun | None, metric: str) -> EvalScore | None:
    scores = EvalScore.objects.filter(run=run, metric=metric) if run else EvalScore.objects.none()
    return scores.select_related("judge__artefact").order_by("pk").first()


def _of_baseline(obstacle: str) -> Obstacle:
    return Obstacle(getattr(obstacle, "code", "cannot_count"), f"of the baseline release: {obstacle}")


def _differing(run: EvalRun, base: EvalRun, ours: EvalScore, theirs: EvalScore) -> Iterator[Obstacle]:
    """Say which instrument was another, so that a difference could be its own."""
    for role in ("evaluator", "dataset"):
        if getattr(run, role).digest != getattr(base, role).digest:
            yield Obstacle(
                "not_comparable",
                f"the {role} of run {run} is {getattr(run, role)}, that of the baseline's run {base} is "
                f"{getattr(base, role)}",
            )
    if ours.judge_id != theirs.judge_id:
        yield Obstacle("not_comparable", f"another judge gave {ours.metric} in run {run} than in run {base}")
    if (ours.unit, ours.direction) != (theirs.unit, theirs.direction):
        yield Obstacle("not_comparable", f"{ours.metric} has another unit or direction in run {base}")


def _mostly_missing(runs: Iterable[EvalRun], counted: Iterable[Counted]) -> Iterator[Obstacle]:
    """Say where more is missing than is there, of items that nobody knows: each would be an item of its own."""
    for run, of in zip(runs, counted, strict=True):
        if of.is_mostly_missing:
            yield Obstacle("samples_missing", f"run {run} has fewer samples than are missing of it")


def _observations(run: EvalRun, metric: str, population: Population, counted: Counted) -> list[Observation]:
    """Return the samples with those of which nobody knows the item: each is one that the other run lacks, too."""
    alone = (Observation(f"missing {number} of {run.pk}", None) for number in range(counted.alone_missing))
    return [*observations_of(run, metric, population.where), *alone]


def _estimate(found: Comparison, bound_confidence: float) -> Estimate | None:
    """Return the improvement, with its bounds were all that is missing against it, and for it."""
    seen = found.improvement
    if seen is None:
        return None
    worst, best = found.worst, found.best
    low, high = worst.low if worst else None, best.high if best else None
    if low is not None and high is not None:
        low, high = outward(low, high)
    return Estimate(
        value=seen.value,
        n=found.n,
        n_units=found.units,
        n_effective=float(found.units),
        stderr=None,
        low=low,
        high=high,
        worst=worst.value if worst else None,
        best=best.value if best else None,
        confidence=two_sided(bound_confidence),
        method=seen.method,
    )


def _looks_by_baseline(measured: Measured, population: Population, parameters: Mapping[str, object]) -> int:
    """Count the scored runs of the baseline, but its first: whoever waits for a bad one, looks."""
    base = _baseline(population, parameters)
    if base is None or measured.runs is None:
        return 0
    deciding = EvalRun.objects.get(pk=measured.runs.used[0]["id"])
    release = Release.objects.get(pk=base.release_id)
    runs = scored_runs(release, str(parameters["metric"]), population.as_of, like=deciding)
    return max(0, len({tuple(evidence_of(run)) for run in runs}) - 1)
