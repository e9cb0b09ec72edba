"""Independent observations: shares, which are computed and not simulated, and means of scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.calibration.naive import wilson_low
from bench.calibration.page import ALPHA, Rate, Row, section
from evidence.statistics import End, clopper_pearson, estimate_successes, judge_bounds
from evidence.statistics.bounded import chance_below
from evidence.statistics.numerics import at_least
from evidence.statistics.sequences import Wager

CASES = (
    (11, 0.8), (14, 0.8), (25, 0.9), (29, 0.9), (52, 0.95), (59, 0.95), (133, 0.98), (149, 0.98), (268, 0.99),
    (299, 0.99), (50, 0.8), (100, 0.9), (200, 0.9), (500, 0.95), (1000, 0.95), (1000, 0.99),
)  # fmt: skip


def end_of(successes: int, n: int, threshold: float) -> End:
    """Judge a share against "at least" a threshold."""
    estimate = estimate_successes(successes, n)
    assert estimate is not None
    return judge_bounds(estimate.low, estimate.high, threshold, higher_is_better=True)


@section(
    title="Independent observations",
    says=(
        "Clopper and Pearson, at the numbers of observations that Wilson's interval was advised with before "
        "(11, 25, 52, 133, 268), at those that are advised now (14, 29, 59, 149, 299: all of them right "
        "passes), and at larger ones. No valid test of a binomial needs fewer observations: it is the oracle."
    ),
    columns=("false pass", "false fail", "power", "width", "naive"),
    order=10,
    one_in=None,
)
def measure(_runs: int) -> list[Row]:
    """Return the exact rates of each case."""
    return [measure_case(n, threshold) for n, threshold in CASES]


def measure_case(n: int, threshold: float) -> Row:
    """Return the rates at one n and threshold: how likely the counts are that pass, or fail."""
    passing = next((k for k in range(n + 1) if end_of(k, n, threshold) is End.PASS), n + 1)
    failing = next((k for k in range(n, -1, -1) if end_of(k, n, threshold) is End.FAIL), -1)
    naive = next((k for k in range(n + 1) if wilson_low(k, n) >= threshold), n + 1)
    false_pass = Rate(at_least(passing, n, threshold))
    false_fail = Rate(1 - at_least(failing + 1, n, threshold))
    power = Rate(at_least(passing, n, (1 + threshold) / 2))
    typical = round(n * (1 + threshold) / 2)
    estimate = estimate_successes(typical, n)
    assert estimate is not None
    assert estimate.low is not None
    width = (estimate.value - estimate.low) / (estimate.value - wilson_low(typical, n))
    naive_rate = Rate(at_least(naive, n, threshold))
    return Row(
        f"n {n}, at least {threshold:g}",
        (str(false_pass), str(false_fail), str(power), f"{width:.2f}", naive_rate.marked()),
        (false_pass, false_fail),
    )


@section(
    title="Scores between 0 and 1",
    says=(
        "Means of independent scores that lie anywhere in [0, 1], by Gaffke's bound, which is that of Clopper and "
        "Pearson where all are 0 or 1. A beta distribution (*shape* is the sum of its parameters, and the smaller, the "
        "more scores are nearly 0 or 1), or *rarely 0*: 0 for the share that is named, and else one score. Beside it "
        "the power of two bounds that are proved to hold: *successes*, of Clopper and Pearson on the sum, which takes "
        "scores to vary as successes do; and *betting*, which holds at any number of looks."
    ),
    columns=("false pass", "false fail", "power", "successes", "betting"),
    order=15,
)
def measure_scores(runs: int) -> list[Row]:
    """Return the rates of each distribution, n and threshold."""
    sizes = ((30, 0.8), (100, 0.9), (500, 0.95))
    shaped = [Scores(n, threshold, shape=shape) for shape in (0.2, 2.0, 20.0) for n, threshold in sizes]
    rare = [Scores(n, threshold, zeros=zeros) for zeros, n, threshold in RARE]
    return [measure_scores_case(each, runs) for each in (*shaped, *rare)]


RARE = ((0.1, 30, 0.8), (0.19, 30, 0.8), (0.02, 100, 0.9), (0.09, 100, 0.9), (0.01, 500, 0.95))


@dataclass(frozen=True, slots=True)
class Scores:
    """A distribution of scores in [0, 1], of which n are drawn."""

    n: int
    threshold: float
    shape: float | None = None  # of a beta distribution; None: one score, but for the zeros
    zeros: float = 0.0  # the share of scores that are 0

    def draw(self, random: np.random.Generator, mean: float, runs: int) -> Any:
        """Return scores with that mean. Shape (run, score)."""
        size = (runs, self.n)
        if self.shape is not None:
            return random.beta(mean * self.shape, (1 - mean) * self.shape, size)
        zeros = min(self.zeros, 1 - mean)
        return np.where(random.random(size) < zeros, 0.0, mean / (1 - zeros))

    def __str__(self) -> str:
        kind = f"rarely 0 ({100 * self.zeros:g} %)" if self.shape is None else f"shape {self.shape:g}"
        return f"{kind}, n {self.n}, at least {self.threshold:g}"


def measure_scores_case(scores: Scores, runs: int) -> Row:
    """Return the rates of one distribution whose mean is the threshold, and the powers where it is better."""
    random = np.random.default_rng([scores.n, int(10 * (scores.shape or 0)), int(100 * scores.zeros)])
    at = scores.draw(random, scores.threshold, runs)
    better = scores.draw(random, (1 + scores.threshold) / 2, max(runs // 4, 1))
    false_pass, false_fail = (
        _rate(scores_pass(row, threshold) for row in rows)
        for rows, threshold in ((at, scores.threshold), (1 - at, 1 - scores.threshold))
    )
    powers = (
        _rate(passes(row, scores.threshold) for row in better)
        for passes in (scores_pass, _successes_pass, _bets_pass)
    )
    return Row(str(scores), tuple(map(str, (false_pass, false_fail, *powers))), (false_pass, false_fail))


def scores_pass(scores: Any, threshold: float) -> bool:
    """Whether the bound of scores reaches the threshold: as asking for the bound, without looking for where it is."""
    values, counts = np.unique(scores, return_counts=True)
    return chance_below(threshold, values, counts.astype(np.float64)) <= ALPHA


def _successes_pass(scores: Any, threshold: float) -> bool:
    return clopper_pearson(float(scores.sum()), scores.size)[0] >= threshold


def _bets_pass(scores: Any, threshold: float) -> bool:
    return Wager(threshold).after(scores).is_won(ALPHA)


def _rate(held: Iterable[bool]) -> Rate:
    found = list(held)
    return Rate(sum(found) / len(found), len(found))
