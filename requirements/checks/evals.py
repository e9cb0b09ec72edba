"""Metrics of eval suites, from the samples as they were stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from django.db.models import Avg, Count, Exists, OuterRef, Q, QuerySet, StdDev, Sum

from evidence.digests import parse_digest
from evidence.evals.contracts import Direction
from evidence.models import (
    ArtefactVersion,
    EvalRun,
    EvalSample,
    EvalScore,
    Registration,
    Reject,
    ReleasePin,
    Retraction,
)
from evidence.selectors.registrations import HOW_TO_REGISTER
from evidence.statistics import Estimate, mean_t_from_moments, two_sided, wilson
from evidence.vocabulary import RejectSource
from requirements.checks.contracts import Measured, Population, Words
from requirements.checks.parameters import optional, parameter_schema, share, version_reference
from requirements.checks.registry import check

_ROLES = ("suite", "evaluator", "dataset")


@check(
    name="evals.metric",
    version="1",
    title=Words("A metric of an eval suite", "评测套件的指标"),
    measures=Words(
        "One metric over the scored samples of the latest successful run of the suite on this release "
        "that is not retracted. "
        "Suite, evaluator and dataset must be registered versions, and the ones named here where any are named. "
        "Unscored and errored samples never count as passes; "
        "above `max_missing_share` of them the run cannot be a pass.",
        "该发布版本上该套件最近一次成功且未撤回的运行中，已评分样本的某项指标。"
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
        max_missing_share=share(
            0.05, meaning="largest share of samples, in [0, 1], that may be unscored or errored"
        ),
    ),
    dimensions=None,
    reads=("EvalRun", "EvalSample", "Retraction", "Registration"),
)
def measure_metric(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """One metric of the latest run that counts.

    Where only runs exist that cannot count, the latest of them is measured and its obstacles are named, so
    that the answer says why it is no pass.
    """
    runs = _runs_in(population, parameters)
    latest: tuple[EvalRun, list[str]] | None = None
    for run in runs[:50]:  # newest first; behind fifty runs that do not count there is no answer worth having
        obstacles = _obstacles(run, population, parameters)
        if latest is None or not obstacles:
            latest = (run, obstacles)
        if not obstacles:
            break
    if latest is None:
        return _nothing(bound_confidence, parameters)
    return _measure_run(*latest, population, parameters, bound_confidence)


def _runs_in(population: Population, parameters: Mapping[str, object]) -> QuerySet[EvalRun]:
    suite = cast("Mapping[str, str]", parameters["suite"])
    retracted = Retraction.objects.filter(population.as_of.knew("created_at"), run_id=OuterRef("pk"))
    runs = EvalRun.objects.filter(
        population.as_of.knew("received_at"),
        ~Exists(retracted),
        system_id=population.system_id,
        release_id=population.release_id,
        suite__artefact__key=suite["key"],
        status=EvalRun.Status.SUCCESS,
        scores__metric=parameters["metric"],
    ).distinct()
    if population.since is not None:
        runs = runs.filter(observed_to__gte=population.since)
    return runs.select_related(*_ROLES, *(f"{role}__artefact" for role in _ROLES)).order_by(
        "-observed_to", "-pk"
    )


def _obstacles(run: EvalRun, population: Population, parameters: Mapping[str, object]) -> list[str]:
    """Say why a run cannot be a pass: wrong or unregistered versions, or that its time is over."""
    found: list[str] = []
    for role in _ROLES:
        version: ArtefactVersion = getattr(run, role)
        if not Registration.objects.filter(population.as_of.knew("created_at"), version=version).exists():
            found.append(
                f"nobody registered the {role} version {version}: an approver registers it ({HOW_TO_REGISTER})"
            )
        wanted = parameters.get(role)
        if isinstance(wanted, Mapping) and not _is_version(version, wanted):
            found.append(f"its {role} is {version}, not {_named(wanted)}")
    pin = (
        ReleasePin.objects.filter(release_id=population.release_id, slot="model")
        .select_related("version")
        .first()
    )
    if pin is None:
        found.append("the release pins no model")
    elif run.model_digest != pin.version.digest:
        measured = (
            f"the model {run.model_digest[:12]}…" if run.model_digest else "a model it gives no digest of"
        )
        found.append(f"it measured {measured}, the release pins {pin.version.digest[:12]}…")
    if run.valid_until is not None and run.valid_until < population.as_of.at:
        found.append(f"it was valid until {run.valid_until:%Y-%m-%d}")
    return found


def _is_version(version: ArtefactVersion, wanted: Mapping[str, str]) -> bool:
    digest = wanted.get("digest")
    return (
        version.artefact.key == wanted["key"]
        and wanted.get("label") in (None, version.label)
        and (digest is None or parse_digest(digest) == version.digest)
    )


def _named(wanted: Mapping[str, str]) -> str:
    return " ".join(wanted[part] for part in ("key", "label", "digest") if part in wanted)


def _measure_run(
    run: EvalRun,
    obstacles: list[str],
    population: Population,
    parameters: Mapping[str, object],
    bound_confidence: float,
) -> Measured:
    metric = str(parameters["metric"])
    declared = EvalScore.objects.filter(run=run, metric=metric).order_by("pk").first()
    nothing = _nothing(bound_confidence, parameters)
    if declared is None:
        return nothing
    counted = _count_samples(run, metric, population)
    bounded = declared.unit == "share" or declared.interval_method == "wilson"
    estimate = _estimate(counted, two_sided(bound_confidence), bounded=bounded)
    allowed = cast("float", parameters["max_missing_share"])
    if counted.n_expected and counted.n_missing / counted.n_expected > allowed:
        shares = f"{counted.n_missing} of {counted.n_expected} samples"
        obstacles = [*obstacles, f"{shares} are unscored, errored or rejected"]
    if estimate is not None and not estimate.stderr and not bounded:
        obstacles = [*obstacles, "all values are equal, which leaves no interval to judge by"]
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
        obstacles=tuple(obstacles),
    )


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
