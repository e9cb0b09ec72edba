"""What people's labels make of a judge: how often the corrected bound passes what it should not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
from scipy import stats

from bench.calibration.clustered import draw_chances
from bench.calibration.page import ALPHA, Rate, Row, section
from evidence.statistics import two_sided
from evidence.statistics.judged import JudgedSample, corrected_mean
from evidence.statistics.shares import clopper_pearson

UNLABELLED: Final = 1_000  # items that only the judge scored
_SIZE: Final = 5  # of a cluster
_KINDS: Final = (0.2, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class World:
    """How things are: what people would say, and how the judge errs. All are chances."""

    share: float  # of items a person finds right
    kind: float  # chance that the judge finds right what is wrong
    harsh: float  # chance that the judge finds wrong what is right
    correlation: float = 0.0  # of what is right within a cluster of five; 0: items are independent

    def draw(self, random: np.random.Generator, n: int) -> tuple[Any, Any]:
        """Return what people and the judge say of n items, five of a cluster after each other."""
        chances = draw_chances(random, self.share, self.correlation, -(-n // _SIZE))
        human = random.random(n) < np.repeat(chances, _SIZE)[:n]
        judge = np.where(human, random.random(n) >= self.harsh, random.random(n) < self.kind)
        return human.astype(np.float64), judge.astype(np.float64)

    def sample(self, random: np.random.Generator, labels: int) -> JudgedSample:
        """Return so many items that people labelled, and the others."""
        human, judge = self.draw(random, labels + UNLABELLED)
        clusters = np.arange(labels + UNLABELLED) // (_SIZE if self.correlation else 1)
        return JudgedSample(
            human[:labels], judge[:labels], judge[labels:], clusters[:labels], clusters[labels:]
        )


@dataclass(frozen=True, slots=True)
class WorldRates:
    """How verdicts end in one world."""

    passed: Rate
    failed: Rate
    published: Rate  # passes by PPI++ as published
    alone: Rate  # passes by the labels alone
    width: float  # relative to PPI++ as published, median


def measure_world(world: World, threshold: float, labels: int, runs: int) -> WorldRates:
    """Judge so many samples of a world against "at least" a threshold."""
    random = np.random.default_rng(
        [labels, int(1000 * world.share), int(100 * world.kind), int(100 * world.harsh)]
    )
    passed = failed = published = alone = 0
    widths = []
    for _ in range(runs):
        sample = world.sample(random, labels)
        ours, _tuning = corrected_mean(sample, two_sided(1 - ALPHA))
        assert ours.low is not None
        assert ours.high is not None
        normal = published_low(sample)
        passed, failed = passed + (ours.low >= threshold), failed + (ours.high < threshold)
        published += normal >= threshold
        alone += clopper_pearson(int(sample.human.sum()), labels, two_sided(1 - ALPHA))[0] >= threshold
        if ours.value > normal:
            widths.append((ours.value - ours.low) / (ours.value - normal))
    rates = [Rate(count / runs, runs) for count in (passed, failed, published, alone)]
    return WorldRates(rates[0], rates[1], rates[2], rates[3], float(np.median(widths)))


def published_low(sample: JudgedSample) -> float:
    """Return the lower bound of PPI++ as published, tuned."""
    human, judge, unlabelled = sample.human, sample.judge, sample.unlabelled
    n, others = human.size, unlabelled.size
    pooled = float(np.var(np.append(judge, unlabelled), ddof=1))
    covariance = float(np.mean((human - human.mean()) * (judge - judge.mean())))
    tuning = min(1.0, max(0.0, covariance / pooled / (1 + n / others))) if pooled else 0.0
    residuals = human - tuning * judge
    stderr = np.sqrt(residuals.var() / n + tuning**2 * unlabelled.var() / others)
    return float(tuning * unlabelled.mean() + residuals.mean() - stats.norm.ppf(1 - ALPHA) * stderr)


@section(
    title="A judge corrected by people's labels",
    says=(
        "Some of the items have a person's label, 1,000 more only the judge's score. Each rate is that of the "
        "worst of six judges, who find right 20, 50 or 90 % of what is wrong, and wrong 0 or 2 % of what is right; "
        "each of the six has to keep the promise, and the worst of six that keep it exactly shows 5.9 % of 1,000 "
        "runs on average, 5.4 % of 4,000. *PPI++* is its normal interval as published, *labels* is Clopper and "
        "Pearson's of the labels alone."
    ),
    columns=("false pass", "false fail", "PPI++", "labels"),
    order=90,
)
def measure(runs: int) -> list[Row]:
    """Return the rates for each threshold and number of labels."""
    return [
        measure_case(threshold, labels, runs)
        for threshold, labels in product((0.8, 0.9, 0.95), (30, 50, 100, 200, 500))
    ]


def measure_case(threshold: float, labels: int, runs: int) -> Row:
    """Return the rates of the worst of six judges."""
    worlds = [World(threshold, kind, harsh) for kind, harsh in product(_KINDS, (0.0, 0.02))]
    return _worst_of(worlds, threshold, labels, runs)


@section(
    title="A corrected judge, items in clusters",
    says=(
        "The same where items come in clusters of five, whose labels correlate at 0.3, for the worst of three "
        "judges (who find wrong 2 % of what is right). The other two ways take items for independent."
    ),
    columns=("false pass", "false fail", "PPI++", "labels"),
    order=95,
)
def measure_clusters(runs: int) -> list[Row]:
    """Return the rates for each threshold and number of labels."""
    cases = product((0.8, 0.9, 0.95), (150, 250, 500))
    return [measure_clusters_case(threshold, labels, runs) for threshold, labels in cases]


def measure_clusters_case(threshold: float, labels: int, runs: int) -> Row:
    """Return the rates of the worst of three judges."""
    worlds = [World(threshold, kind, 0.02, correlation=0.3) for kind in _KINDS]
    return _worst_of(worlds, threshold, labels, runs)


def _worst_of(worlds: Sequence[World], threshold: float, labels: int, runs: int) -> Row:
    found = [measure_world(world, threshold, labels, runs) for world in worlds]
    passed, failed, published, alone = (
        max(rates, key=lambda rate: rate.value)
        for rates in zip(
            *((each.passed, each.failed, each.published, each.alone) for each in found), strict=True
        )
    )
    cells = (str(passed), str(failed), published.marked(), alone.marked())
    promised = tuple(rate for each in found for rate in (each.passed, each.failed))
    return Row(f"{labels} labels, at least {threshold:g}", cells, promised)


@section(
    title="What a corrected judge is worth",
    says=(
        "Power of the three ways, where a judge finds wrong 1 or 2 % of what is right and finds right what is wrong "
        "as often as the case says. With few labels the corrected judge may pass less often than the labels alone, "
        "and the power of PPI++ as published is bought with its false passes above. *Width* is relative to it."
    ),
    columns=("power", "PPI++", "labels", "width"),
    order=100,
)
def measure_power(runs: int) -> list[Row]:
    """Return the power for each threshold, number of labels and judge."""
    cases = product((0.8, 0.9), (30, 50, 100, 200, 500), ((0.1, 0.01), (0.5, 0.02)))
    return [_power_case(threshold, labels, *judge, runs) for threshold, labels, judge in cases]


def _power_case(threshold: float, labels: int, kind: float, harsh: float, runs: int) -> Row:
    found = measure_world(World((1 + threshold) / 2, kind, harsh), threshold, labels, runs)
    cells = (str(found.passed), str(found.published), str(found.alone), f"{found.width:.2f}")
    return Row(f"{labels} labels, at least {threshold:g}, judge finds right {100 * kind:g} %", cells, ())
