"""Shares of independent observations: computed, and not simulated."""

from __future__ import annotations

import numpy as np

from bench.calibration.naive import wilson_low
from bench.calibration.page import Rate, Row, section
from evidence.statistics import End, Unit, estimate_share, estimate_successes, judge_bounds, tally
from evidence.statistics.numerics import at_least

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
        "Means of independent scores that lie anywhere in [0, 1] (a beta distribution; *shape* is the sum of "
        "its parameters, and the smaller, the more scores are nearly 0 or 1). They are judged as their sum of "
        "successes would be, which is cautious: scores vary less than successes do."
    ),
    columns=("false pass", "false fail"),
    order=15,
)
def measure_scores(runs: int) -> list[Row]:
    """Return the rates for each shape, n and threshold."""
    return [
        measure_scores_case(shape, n, threshold, runs)
        for shape in (0.2, 2.0)
        for n, threshold in ((30, 0.8), (100, 0.9), (500, 0.95))
    ]


def measure_scores_case(shape: float, n: int, threshold: float, runs: int) -> Row:
    """Return the rates of one distribution whose mean is the threshold."""
    random = np.random.default_rng([n, int(10 * shape)])
    ends = []
    for scores in random.beta(threshold * shape, (1 - threshold) * shape, (runs, n)):
        estimate = estimate_share(tally(Unit(1, score) for score in scores.tolist()))
        assert estimate is not None
        ends.append(judge_bounds(estimate.low, estimate.high, threshold, higher_is_better=True))
    false_pass, false_fail = (Rate(ends.count(end) / runs, runs) for end in (End.PASS, End.FAIL))
    case = f"shape {shape:g}, n {n}, at least {threshold:g}"
    return Row(case, (str(false_pass), str(false_fail)), (false_pass, false_fail))
