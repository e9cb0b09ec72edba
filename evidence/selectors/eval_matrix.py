"""Scenarios against metrics: what the newest run of each suite came to, for several systems beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from evidence.models import EvalRun, EvalScore


@dataclass(frozen=True, slots=True)
class Scenario:
    """A suite, or the part of it that a slice names, as its newest run measured it."""

    run: EvalRun
    part: str  # value of the dimension; "" for the whole suite
    scores: Mapping[str, EvalScore]  # by metric


@dataclass(frozen=True, slots=True)
class Matrix:
    """Scenarios, and all the metrics that any of them has."""

    metrics: tuple[str, ...]  # sorted
    scenarios: tuple[Scenario, ...]  # by system, suite and part
    dimensions: tuple[str, ...]  # by which the scenarios could be split, sorted


def build_matrix(runs: QuerySet[EvalRun], dimension: str = "") -> Matrix:
    """Return what the newest run of each suite came to.

    Runs that failed, were retracted or belong to no release are left out.

    Args:
        runs: those that the reader may see.
        dimension: split each suite by the values of this slice; "": whole suites.
    """
    newest = (
        runs.filter(status=EvalRun.Status.SUCCESS, retraction=None, release__isnull=False)
        .select_related("system", "release", "suite__artefact")
        .order_by("system__key", "suite__artefact__key", "-received_at", "-pk")
        .distinct("system__key", "suite__artefact__key")
    )
    by_run = {run.pk: run for run in newest}
    scores = list(EvalScore.objects.filter(run__in=by_run).order_by("pk"))
    scenarios = _scenarios(by_run, scores, dimension)
    return Matrix(
        metrics=tuple(sorted({metric for each in scenarios for metric in each.scores})),
        scenarios=scenarios,
        dimensions=tuple(sorted({name for score in scores for name in score.slice})),
    )


def _scenarios(
    by_run: Mapping[int, EvalRun], scores: Iterable[EvalScore], dimension: str
) -> tuple[Scenario, ...]:
    found: dict[tuple[int, str], dict[str, EvalScore]] = {}
    for score in scores:
        if list(score.slice) == ([dimension] if dimension else []):
            found.setdefault((score.run_id, score.slice.get(dimension, "")), {})[score.metric] = score
    listed: Sequence[int] = list(by_run)
    order = sorted(found, key=lambda place: (listed.index(place[0]), place[1]))
    return tuple(Scenario(by_run[run], part, found[run, part]) for run, part in order)
