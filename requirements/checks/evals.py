"""Metrics of eval suites, from the samples as they were stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from django.db.models import Avg, Count, Exists, OuterRef, Q, QuerySet, StdDev, Sum

from evidence.digests import parse_digest
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
from evidence.statistics import Estimate, mean_t_from_moments, two_sided, wilson
from requirements.checks.contracts import Direction, Measured, Population

_ROLES = ("suite", "evaluator", "dataset")


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
    retracted = Retraction.objects.filter(run_id=OuterRef("pk"), created_at__lte=population.as_of)
    runs = EvalRun.objects.filter(
        ~Exists(retracted),
        system_id=population.system_id,
        release_id=population.release_id,
        suite__artefact__key=suite["key"],
        status=EvalRun.Status.SUCCESS,
        received_at__lte=population.as_of,
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
        if not Registration.objects.filter(version=version, created_at__lte=population.as_of).exists():
            found.append(f"nobody registered the {role} version {version}")
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
    if run.valid_until is not None and run.valid_until < population.as_of:
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
    if declared is None:
        return _nothing(bound_confidence, parameters)
    samples = EvalSample.objects.filter(run=run, metric=metric)
    if population.where:
        samples = samples.filter(slice__contains=dict(population.where))
    counted = samples.aggregate(
        n=Count("pk", filter=Q(status=EvalSample.Status.SCORED)),
        missing=Count("pk", filter=~Q(status=EvalSample.Status.SCORED)),
        total=Sum("value"),
        mean=Avg("value"),
        deviation=StdDev("value", sample=True),
    )
    n_rejected = Reject.objects.filter(
        system_id=population.system_id, source="eval_sample", source_ref=run.run_key
    ).count()
    missing, everything = counted["missing"] + n_rejected, counted["n"] + counted["missing"] + n_rejected
    if everything and missing / everything > cast("float", parameters["max_missing_share"]):
        obstacles = [*obstacles, f"{missing} of {everything} samples are unscored, errored or rejected"]
    bounded = declared.unit == "share" or declared.interval_method == "wilson"
    estimate = _estimate(counted, two_sided(bound_confidence), bounded=bounded)
    if estimate is not None and not estimate.stderr and not bounded:
        obstacles = [*obstacles, "all values are equal, which leaves no interval to judge by"]
    measured = _nothing(bound_confidence, parameters)
    return replace(
        measured,
        value=estimate.value if estimate else None,
        n=counted["n"],
        successes=counted["total"] if bounded else None,
        low=estimate.low if estimate else None,
        high=estimate.high if estimate else None,
        unit=declared.unit,
        direction=cast("Direction", str(declared.direction)),
        observed_from=run.observed_from,
        observed_to=run.observed_to,
        inputs={
            "eval_run": {
                "run_key": run.run_key,
                "raw": run.raw_id,
                "parser": run.parser_version,
                "suite": run.suite.digest,
                "evaluator": run.evaluator.digest,
                "dataset": run.dataset.digest,
                "metric": metric,
                "n_missing": missing,
            }
        },
        obstacles=tuple(obstacles),
    )


def _estimate(counted: Mapping[str, float | None], confidence: float, *, bounded: bool) -> Estimate | None:
    n, total, mean, deviation = (counted[name] for name in ("n", "total", "mean", "deviation"))
    if not n or total is None or mean is None:
        return None
    count = int(n)
    if bounded:
        return wilson(min(max(total, 0.0), count), count, confidence)
    if count < 2:
        return Estimate(mean, count, None, None, None, confidence, "mean_t")
    return mean_t_from_moments(mean, deviation or 0.0, count, confidence)


def _nothing(bound_confidence: float, parameters: Mapping[str, object]) -> Measured:
    return Measured(
        value=None,
        n=0,
        successes=None,
        low=None,
        high=None,
        bound_confidence=bound_confidence,
        unit="",
        direction="higher",
        observed_from=None,
        observed_to=None,
        inputs={"eval_run": None, "metric": parameters["metric"]},
    )
