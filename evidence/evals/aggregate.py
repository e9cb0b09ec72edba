"""Aggregates over the samples of a run, computed by us: what a file claims as a total is not read.

Only scored samples enter a value. What is missing is counted beside it, and against either bound: see
`evidence.evals.observations`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from evidence.evals.contracts import MetricSpec, ParsedSample, ReadRun
from evidence.evals.observations import Observed, count_absent, count_missing, estimate_metric, units_of
from evidence.statistics import CONFIDENCE, Estimate, Missing


@dataclass(frozen=True, slots=True)
class AggregateScore:
    """One metric over one slice of one run."""

    metric: MetricSpec
    slice: Mapping[str, str]  # {} for all samples, else one dimension and its value
    estimate: Estimate | None  # None where nothing was scored
    n_scored: int
    missing: Missing


def aggregate(
    run: ReadRun, confidence: float = CONFIDENCE, *, without: Collection[str] = ()
) -> list[AggregateScore]:
    """Return each declared metric over all samples and over each dimension's values, sorted.

    Rejected and absent samples could be of any slice, so they count in each.

    Args:
        without: dimensions that are no slices of the run.
    """
    return list(_aggregate(run, confidence, without))


def _aggregate(run: ReadRun, confidence: float, without: Collection[str]) -> Iterator[AggregateScore]:
    units = units_of((sample.sample_id, sample.trace_id, sample.slice) for sample in run.samples)
    absent = count_absent(run)
    groups: dict[tuple[tuple[str, str], ...], list[ParsedSample]] = {(): []}
    for sample in run.samples:
        groups[()].append(sample)
        for pair in sample.slice.items():
            if pair[0] not in without:
                groups.setdefault((pair,), []).append(sample)
    for metric in sorted(run.metrics.values(), key=lambda spec: spec.key):
        for where in sorted(groups):
            observed = list(_observe(metric, groups[where], units))
            if not where or any(each.status for each in observed):
                yield _over(metric, dict(where), observed, (len(run.rejects), absent), confidence)


def _observe(
    metric: MetricSpec, samples: Iterable[ParsedSample], units: Mapping[str, str]
) -> Iterator[Observed]:
    for sample in samples:
        score = next((score for score in sample.scores if score.metric == metric.key), None)
        unit = units[sample.sample_id]
        if score:
            yield Observed(unit, score.status, score.value)
        elif metric.applies_everywhere:
            yield Observed(unit, None, None)


def _over(
    metric: MetricSpec,
    where: Mapping[str, str],
    observed: list[Observed],
    lost: tuple[int, int],
    confidence: float,
) -> AggregateScore:
    """Return one metric over one slice.

    Args:
        lost: samples that were rejected, and samples that are absent, of which nobody knows the slice.
    """
    rejected, absent = lost
    estimate = estimate_metric(
        observed, bounded=metric.is_bounded, alone_missing=rejected + absent, confidence=confidence
    )
    return AggregateScore(
        metric=metric,
        slice=where,
        estimate=estimate,
        n_scored=estimate.n if estimate else 0,
        missing=count_missing(observed, rejected=rejected, absent=absent),
    )
