"""What checks of eval suites share: parameters, the run that decides, and the samples that speak against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from django.db.models import F, QuerySet

from evidence.digests import digest_of
from evidence.evals.contracts import Direction
from evidence.gate_reasons import LookTold
from evidence.models import EvalRun, EvalSample, EvalScore
from evidence.statistics.looks import LookPlan
from requirements.checks.contracts import Measured, Obstacle, Population, as_measured
from requirements.checks.deciding_runs import choose_run
from requirements.checks.looks import beyond_plan, find_look
from requirements.checks.parameters import look_plan, optional, share, version_reference

SUITE: Final = version_reference("which suite; with label or digest, which version of it")
METRIC: Final = {"type": "string", "minLength": 1, "description": "the metric's name in the eval file"}
EVALUATOR: Final = optional(version_reference("the only evaluator version that counts"))
DATASET: Final = optional(version_reference("the only dataset version that counts"))
JUDGE: Final = optional(version_reference("the only judge version that counts"))
INDEPENDENT: Final = optional(
    {
        "type": "array",
        "items": {"enum": ["poster", "dataset", "labels"]},
        "uniqueItems": True,
        "description": "who must not have built the release (registered it, or put what it pins on record): "
        "whoever posted the run; whoever registered its dataset, or had posted a run on it before the release "
        "was made; whoever labels: labels of those who did, or who posted the run, do not count",
    }
)
MAX_MISSING_SHARE: Final = share(
    0.05,
    meaning="largest share of samples, in [0, 1], that may be missing; it makes no pass, only none sooner",
)
UNMENTIONED: Final = optional(
    {
        "enum": ["missing", "not_applicable"],
        "description": "whether a sample that does not mention the metric lacks it, as it does unless stated",
    }
)

# Of the run, what stands in its way, whose facts, the parameters, and how sure each bound is to be.
MeasureRun = Callable[[EvalRun, tuple[Obstacle, ...], Population, Mapping[str, object], float], Measured]


def measure_deciding(
    population: Population,
    parameters: Mapping[str, object],
    bound_confidence: float,
    measure_run: MeasureRun,
) -> Measured:
    """Measure the run that decides (`choose_run`) as one of its planned looks; nothing where none does, with why."""
    chosen = choose_run(population, parameters)
    plan = look_plan(parameters, bound_confidence)
    look = _look(chosen.run, plan, parameters, population) if chosen.run else None
    obstacles = (*chosen.obstacles, *beyond_plan(look))
    measured = (
        nothing_measured(1 - plan.share, parameters, obstacles)
        if chosen.run is None
        else _measure_once(chosen.run, obstacles, population, parameters, 1 - plan.share, measure_run)
    )
    inputs = {**measured.inputs, "runs": chosen.inputs, "look": look}
    return replace(measured, runs=chosen.seen, look=look, inputs=inputs)


def _measure_once(
    run: EvalRun,
    obstacles: tuple[Obstacle, ...],
    population: Population,
    parameters: Mapping[str, object],
    bound_confidence: float,
    measure_run: MeasureRun,
) -> Measured:
    """Measure a run, of the age that counts and of any age together: its samples are the same."""
    where = tuple(sorted(population.where.items()))
    asked = (
        "measure_run",
        measure_run,
        run.pk,
        obstacles,
        where,
        digest_of(dict(parameters)),
        bound_confidence,
    )
    return population.once(
        asked, lambda: measure_run(run, obstacles, population, parameters, bound_confidence)
    )


def _look(
    run: EvalRun, plan: LookPlan, parameters: Mapping[str, object], population: Population
) -> LookTold | None:
    asked = ("find_look", run.pk, plan, digest_of(dict(parameters)))
    return population.once(asked, lambda: find_look(run, plan, parameters, population))


def worst_samples(population: Population, parameters: Mapping[str, object]) -> QuerySet[Any] | None:
    """Return the samples of the run that decides, without a value first, then the worst; None where no run decides."""
    run = choose_run(population, parameters).run
    metric = str(parameters["metric"])
    declared = EvalScore.objects.filter(run=run, metric=metric).order_by("pk").first() if run else None
    if run is None or declared is None:
        return None
    samples = EvalSample.objects.filter(run=run, metric=metric)
    if population.where:
        samples = samples.filter(slice__contains=dict(population.where))
    is_lower_better = declared.direction == Direction.LOWER
    by_value = F("value").desc(nulls_first=True) if is_lower_better else F("value").asc(nulls_first=True)
    return samples.order_by(by_value, "sample_id")


def run_inputs(run: EvalRun, metric: str) -> dict[str, object]:
    """Return what a measurement of a run was drawn from, for the digest of its inputs."""
    return {
        "run_key": run.run_key,
        "raw": run.raw_id,
        "parser": run.parser_version,
        "suite": run.suite.digest,
        "evaluator": run.evaluator.digest,
        "dataset": run.dataset.digest,
        "metric": metric,
    }


def nothing_measured(
    bound_confidence: float, parameters: Mapping[str, object], obstacles: tuple[str, ...]
) -> Measured:
    """Return that there was nothing to measure, with why."""
    return as_measured(
        None,
        missing={},
        bound_confidence=bound_confidence,
        inputs={"eval_run": None, "metric": parameters["metric"]},
        unit="",
        direction=Direction.HIGHER,
        obstacles=obstacles,
    )


def beyond_numbers(run: EvalRun) -> Obstacle:
    """Say that values are too large for what is made of them."""
    return Obstacle("beyond_numbers", f"values of run {run} are so large that no number holds their spread")
