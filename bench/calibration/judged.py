"""What people's labels make of a judge: how often the corrected bound passes what it should not.

`python -m bench.calibration.judged` prints the sections.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bench.calibration.section import Section, percent
from evidence.statistics import two_sided
from evidence.statistics.judged import JudgedSample, corrected_mean
from evidence.statistics.shares import clopper_pearson

ALPHA = 0.05
WAYS = ("normal interval (PPI++)", "ours", "labels alone (exact)")


@dataclass(frozen=True, slots=True)
class World:
    """How things are: what people would say, and how the judge errs. All are chances."""

    share: float  # of items a person finds right
    kind: float  # chance that the judge finds right what is wrong
    harsh: float  # chance that the judge finds wrong what is right
    correlation: float = 0.0  # of what is right within a cluster of five; 0: items are independent

    def draw(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what people and the judge say of n items, five of a cluster after each other."""
        chances = np.full(n, self.share)
        if self.correlation:
            spread = 1 / self.correlation - 1
            drawn = rng.beta(self.share * spread, (1 - self.share) * spread, -(-n // 5))
            chances = np.repeat(drawn, 5)[:n]
        human = rng.random(n) < chances
        judge = np.where(human, rng.random(n) >= self.harsh, rng.random(n) < self.kind)
        return human.astype(np.float64), judge.astype(np.float64)


def passes(
    world: World, threshold: float, labels: int, others: int, rng: np.random.Generator
) -> tuple[bool, ...]:
    """Return for each of `WAYS` whether its lower bound is at the threshold, in one drawn world."""
    human, judge = world.draw(rng, labels + others)
    clusters = np.arange(labels + others) // (5 if world.correlation else 1)
    sample = JudgedSample(
        human[:labels], judge[:labels], judge[labels:], clusters[:labels], clusters[labels:]
    )
    ours, _ = corrected_mean(sample, two_sided(1 - ALPHA))
    alone = clopper_pearson(int(human[:labels].sum()), labels, two_sided(1 - ALPHA))
    normal = normal_bound(human[:labels], judge[:labels], judge[labels:])
    return normal >= threshold, (ours.low or 0) >= threshold, alone[0] >= threshold


def normal_bound(human: np.ndarray, judge: np.ndarray, unlabelled: np.ndarray) -> float:
    """Return the lower bound of PPI++ as published, tuned."""
    n, others = human.size, unlabelled.size
    pooled = float(np.var(np.append(judge, unlabelled), ddof=1))
    covariance = float(np.mean((human - human.mean()) * (judge - judge.mean())))
    tuning = min(1.0, max(0.0, covariance / pooled / (1 + n / others))) if pooled else 0.0
    residuals = human - tuning * judge
    stderr = np.sqrt(residuals.var() / n + tuning**2 * unlabelled.var() / others)
    return float(tuning * unlabelled.mean() + residuals.mean() - stats.norm.ppf(1 - ALPHA) * stderr)


def false_passes(repetitions: int = 1_000, seed: int = 20_261_126) -> Section:
    """Return the false passes at the threshold, for the worst of six judges."""
    rng, rows = np.random.default_rng(seed), []
    for threshold, labels in itertools.product((0.8, 0.9, 0.95), (30, 50, 100, 200, 500)):
        worlds = [
            World(threshold, kind, harsh) for kind, harsh in itertools.product((0.2, 0.5, 0.9), (0.0, 0.02))
        ]
        shares = [_share_passing(world, threshold, labels, repetitions, rng) for world in worlds]
        rows.append(
            (f"{threshold}", f"{labels}", *(percent(max(share)) for share in zip(*shares, strict=True)))
        )
    return Section(
        "A judge corrected by people's labels",
        f"False passes where the true share is the threshold, with 1,000 unlabelled items, for the worst of six judges "
        f"(who find right 20, 50 or 90 % of what is wrong, and wrong 0 or 2 % of what is right); {repetitions:,} "
        "repetitions each, so that the worst of six at 5.0 % shows 5.9 % on average.",
        ("threshold", "labels", *WAYS),
        rows,
    )


def clustered(repetitions: int = 1_000, seed: int = 20_261_126) -> Section:
    """Return the false passes where items come in clusters of five with correlation 0.3."""
    rng, rows = np.random.default_rng(seed), []
    for threshold, labels in itertools.product((0.8, 0.9), (150, 250, 500)):
        worlds = [World(threshold, kind, 0.02, correlation=0.3) for kind in (0.2, 0.5, 0.9)]
        shares = [_share_passing(world, threshold, labels, repetitions, rng) for world in worlds]
        rows.append(
            (f"{threshold}", f"{labels}", *(percent(max(share)) for share in zip(*shares, strict=True)))
        )
    return Section(
        "A corrected judge, items in clusters",
        f"The same with clusters of five items, intra-cluster correlation 0.3, for the worst of three judges; "
        f"{repetitions:,} repetitions. The other two ways take the items for independent.",
        ("threshold", "labels", *WAYS),
        rows,
    )


def power(repetitions: int = 1_000, seed: int = 20_261_126) -> Section:
    """Return how often what is good enough passes."""
    rng, rows = np.random.default_rng(seed), []
    for threshold, labels in itertools.product((0.8, 0.9), (30, 50, 100, 200, 500)):
        for kind, harsh in ((0.1, 0.01), (0.5, 0.02)):
            world = World(threshold + (1 - threshold) / 2, kind, harsh)
            shares = _share_passing(world, threshold, labels, repetitions, rng)
            rows.append((f"{threshold}", f"{world.share:.2f}", f"{labels}", f"{kind}", *map(percent, shares)))
    return Section(
        "A corrected judge: power",
        "Passes where the true share is half-way from the threshold to 1. The normal interval's power is bought with "
        "its false passes above.",
        ("threshold", "true share", "labels", "judge finds right what is wrong", *WAYS),
        rows,
    )


def _share_passing(
    world: World, threshold: float, labels: int, repetitions: int, rng: np.random.Generator
) -> tuple[float, ...]:
    verdicts = np.array([passes(world, threshold, labels, 1_000, rng) for _ in range(repetitions)])
    return tuple(float(share) for share in verdicts.mean(axis=0))


def sections() -> list[Section]:
    """Return all sections about judges, in their order on the page. Takes minutes."""
    return [false_passes(), clustered(), power()]


if __name__ == "__main__":
    print("\n".join(section.as_markdown() for section in sections()))
