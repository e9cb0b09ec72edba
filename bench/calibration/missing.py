"""Observations that went missing where it helps most: a failure first."""

from __future__ import annotations

import numpy as np

from bench.calibration.naive import wilson_low
from bench.calibration.page import Rate, Row, section
from evidence.statistics import End, estimate_successes, judge_bounds


@section(
    title="Missing where it helps",
    says=(
        "Of independent observations, up to so many failures end as an error instead, and are counted as "
        "missing. The bound for a pass takes each for a failure, the one for a fail for a success. *Naive* "
        "leaves them out. *Power* is with as many missing at random."
    ),
    columns=("false pass", "false fail", "power", "naive"),
    order=40,
)
def measure(runs: int) -> list[Row]:
    """Return the rates for each n and share that goes missing."""
    cases = ((200, 0.9, 0.02), (200, 0.9, 0.05), (1000, 0.95, 0.01), (1000, 0.95, 0.04), (1000, 0.8, 0.1))
    return [measure_case(n, threshold, share, runs) for n, threshold, share in cases]


def measure_case(n: int, threshold: float, share: float, runs: int) -> Row:
    """Return the rates where up to a share of all observations goes missing, failures first."""
    random = np.random.default_rng([n, int(1000 * share)])
    most = round(share * n)
    passed = failed = naive = 0
    for successes in map(int, random.binomial(n, threshold, runs)):
        missing = min(most, n - successes)
        end = _end(successes, n - missing, missing, threshold)
        passed, failed = passed + (end is End.PASS), failed + (end is End.FAIL)
        naive += wilson_low(successes, n - missing) >= threshold
    lucky = random.binomial(n - most, (1 + threshold) / 2, runs)
    power = sum(_end(int(successes), n - most, most, threshold) is End.PASS for successes in lucky)
    false_pass, false_fail = Rate(passed / runs, runs), Rate(failed / runs, runs)
    cells = (str(false_pass), str(false_fail), str(Rate(power / runs)), Rate(naive / runs, runs).marked())
    return Row(f"n {n}, at least {threshold:g}, up to {most} missing", cells, (false_pass, false_fail))


def _end(successes: int, n: int, missing: int, threshold: float) -> End:
    estimate = estimate_successes(successes, n, missing=missing)
    assert estimate is not None
    return judge_bounds(estimate.low, estimate.high, threshold, higher_is_better=True)
