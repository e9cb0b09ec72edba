"""What an eval run came to: each metric with its worst slices and samples, and the runs it may be compared with."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import F, QuerySet

from evidence.evals.contracts import Direction, ScoreStatus
from evidence.evals.observations import item_of
from evidence.models import EvalRun, EvalSample, EvalScore


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One metric of a run."""

    whole: EvalScore  # over all samples
    slices: tuple[EvalScore, ...]  # worst first; those of which nothing was scored at the end
    worst: tuple[EvalSample, ...]  # scored samples, worst first


def results_of(run: EvalRun, *, most_slices: int, most_samples: int) -> list[MetricResult]:
    """Return each metric of a run by name, with its worst slices and samples: at most so many of each."""
    whole: dict[str, EvalScore] = {}
    slices: dict[str, list[EvalScore]] = {}
    for score in run.scores.select_related("judge__artefact").order_by("metric", "pk"):
        if score.slice:
            slices.setdefault(score.metric, []).append(score)
        else:
            whole[score.metric] = score
    return [
        MetricResult(
            score,
            tuple(sorted(slices.get(metric, ()), key=_badness)[:most_slices]),
            tuple(_worst_samples(run, score, most_samples)),
        )
        for metric, score in whole.items()
    ]


def worst_of_each_metric(
    run: EvalRun, most: int, where: Mapping[str, str]
) -> list[tuple[EvalScore, Sequence[EvalSample]]]:
    """Return each metric of a run by name, as it is over all of it, with its worst samples in a part."""
    whole = run.scores.filter(slice={}).order_by("metric")
    return [(score, _worst_samples(run, score, most, where)) for score in whole]


def comparable_runs(run: EvalRun) -> QuerySet[EvalRun]:
    """Return the other runs that ran the same versions to an end and count, newest first."""
    same = EvalRun.objects.filter(
        system_id=run.system_id,
        suite__artefact_id=run.suite.artefact_id,
        evaluator__digest=run.evaluator.digest,
        dataset__digest=run.dataset.digest,
        status=EvalRun.Status.SUCCESS,
        retraction=None,
    )
    return same.exclude(pk=run.pk).select_related("release").order_by("-received_at", "-pk")


def samples_of_items(run: EvalRun, metric: str, items: Collection[str]) -> Mapping[str, EvalSample]:
    """Return the first sample of each item under a metric: what was asked, answered and explained."""
    found: dict[str, EvalSample] = {}
    for sample in EvalSample.objects.filter(run=run, metric=metric).order_by("sample_id", "pk").iterator():
        item = item_of(sample.sample_id)
        if item in items:
            found.setdefault(item, sample)
    return found


def _badness(score: EvalScore) -> tuple[bool, float]:
    if score.value is None:
        return True, 0.0
    return False, score.value if score.direction == Direction.HIGHER else -score.value


def _worst_samples(
    run: EvalRun, score: EvalScore, most: int, where: Mapping[str, str] | None = None
) -> Sequence[EvalSample]:
    """Return the scored samples farthest on the wrong side; none that is at the better end of a share."""
    higher = score.direction == Direction.HIGHER
    scored = EvalSample.objects.filter(run=run, metric=score.metric, status=ScoreStatus.SCORED)
    if where:
        scored = scored.filter(slice__contains=dict(where))
    if score.unit == "share":
        scored = scored.exclude(value=1.0 if higher else 0.0)
    return list(scored.order_by(F("value").asc() if higher else F("value").desc(), "sample_id")[:most])
