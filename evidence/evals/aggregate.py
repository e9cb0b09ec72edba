"""Aggregates over the samples of a run, computed by us: what a file claims as a total is not read.

Only scored samples enter a value. Unscored and errored ones are counted beside it, never as failures and
never as passes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from evidence.evals.contracts import MetricSpec, ParsedRun, ParsedSample, ScoreStatus
from evidence.statistics import CONFIDENCE, Estimate, mean_t, wilson


@dataclass(frozen=True, slots=True)
class AggregateScore:
    """One metric over one slice of one run."""

    metric: MetricSpec
    slice: Mapping[str, str]  # {} for all samples, else one dimension and its value
    estimate: Estimate | None  # None where nothing was scored
    n_scored: int
    n_unscored: int
    n_error: int


def aggregate(run: ParsedRun, confidence: float = CONFIDENCE) -> list[AggregateScore]:
    """Return each declared metric over all samples and over each dimension's values, sorted."""
    return list(aggregate_samples(run.head.metrics.values(), run.samples, confidence))


def aggregate_samples(
    metrics: Iterable[MetricSpec], samples: Iterable[ParsedSample], confidence: float
) -> Iterator[AggregateScore]:
    """Yield the aggregates of any set of samples; the same function replays a stored run."""
    groups: dict[tuple[tuple[str, str], ...], list[ParsedSample]] = {(): []}
    for sample in samples:
        groups[()].append(sample)
        for pair in sample.slice.items():
            groups.setdefault((pair,), []).append(sample)
    for metric in sorted(metrics, key=lambda spec: spec.key):
        for where in sorted(groups):
            score = _over(metric, dict(where), groups[where], confidence)
            if not where or score.n_scored + score.n_unscored + score.n_error:
                yield score


def estimate_values(metric: MetricSpec, values: list[float], confidence: float) -> Estimate | None:
    """Return the estimate of one metric from its scored values, or None when there are none.

    Values that cannot leave [0, 1] get Wilson's interval on their sum (see `evidence.statistics.wilson`), so
    that three samples of 1.0 are not mistaken for certainty; others get a t-interval.
    """
    if not values:
        return None
    if metric.is_bounded:
        return wilson(min(math.fsum(values), len(values)), len(values), confidence)
    return mean_t(values, confidence)


def _over(
    metric: MetricSpec, where: Mapping[str, str], samples: list[ParsedSample], confidence: float
) -> AggregateScore:
    scores = [score for sample in samples for score in sample.scores if score.metric == metric.key]
    values = [score.value for score in scores if score.value is not None]
    return AggregateScore(
        metric=metric,
        slice=where,
        estimate=estimate_values(metric, values, confidence),
        n_scored=len(values),
        n_unscored=sum(score.status is ScoreStatus.UNSCORED for score in scores),
        n_error=sum(score.status is ScoreStatus.ERROR for score in scores),
    )
