"""Values with a long tail: times and costs, by percentile and by mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np

from bench.calibration.naive import student_high
from bench.calibration.page import Rate, Row, section
from evidence.statistics import End, Estimate, Unit, estimate_mean, estimate_percentile, judge_bounds, tally


def draw(n: int, spread: float, runs: int) -> Any:
    """Return lognormal values whose median is 1, a row a run."""
    return np.random.default_rng([n, int(100 * spread)]).lognormal(0.0, spread, (runs, n))


def ends_of(rows: Any, threshold: float, estimate: Callable[[Any], Estimate | None]) -> list[End]:
    """Judge each row against "at most" a threshold; an estimate that doubts itself is no answer."""
    found = []
    for row in rows:
        each = estimate(row)
        assert each is not None
        end = judge_bounds(each.low, each.high, threshold, higher_is_better=False)
        found.append(End.INSUFFICIENT if each.doubt else end)
    return found


def rates(ends: list[End]) -> tuple[Rate, Rate]:
    """Return how many pass and how many fail."""
    n = len(ends)
    return Rate(ends.count(End.PASS) / n, n), Rate(ends.count(End.FAIL) / n, n)


@section(
    title="A percentile of lognormal latency",
    says=(
        "Order statistics, which hold whatever the distribution. Power is against a threshold 1.5 times the "
        "true percentile. Clustered: five values to a unit whose logarithms correlate at 0.5."
    ),
    columns=("false pass", "false fail", "power"),
    order=50,
    one_in=2,
)
def measure_percentiles(runs: int) -> list[Row]:
    """Return the rates for each percentile and n, independent and in units."""
    alone = [measure_percentile(q, n, 1, runs) for q in (0.5, 0.9, 0.95) for n in (60, 200, 1000)]
    return [*alone, *(measure_percentile(q, n, 5, runs) for q in (0.5, 0.9, 0.95) for n in (200, 1000))]


def measure_percentile(q: float, n: int, size: int, runs: int) -> Row:
    """Return the rates of one percentile, values coming in units of a size."""
    truth = math.exp(NormalDist().inv_cdf(q))
    random = np.random.default_rng([n, size, int(100 * q)])
    shared = random.normal(0, math.sqrt(0.5 if size > 1 else 0.0), (runs, n // size, 1))
    own = random.normal(0, math.sqrt(0.5 if size > 1 else 1.0), (runs, n // size, size))
    rows = np.exp(shared + own)

    def estimate(row: Any) -> Estimate | None:
        return estimate_percentile({str(index): values.tolist() for index, values in enumerate(row)}, q)

    false_pass, false_fail = rates(ends_of(rows, truth, estimate))
    power, _ = rates(ends_of(rows[: runs // 4], 1.5 * truth, estimate))
    case = f"p{100 * q:g}, n {n}" + (f" in units of {size}" if size > 1 else "")
    return Row(case, (str(false_pass), str(false_fail), str(power)), (false_pass, false_fail))


@section(
    title="A mean of lognormal latency",
    says=(
        "Hall's bound or Student's, the more cautious one, and no answer where units are fewer than 50 times "
        "the squared skewness. *Spread* is the standard deviation of the logarithm; 0.1 is nearly normal. "
        "Power is against a threshold 1.5 times the true mean, *no answer* how often the method declines "
        "there. *Naive* is Student's alone."
    ),
    columns=("false pass", "false fail", "power", "no answer", "width", "naive"),
    order=60,
)
def measure_means(runs: int) -> list[Row]:
    """Return the rates for each spread and n."""
    return [measure_mean(spread, n, runs) for spread in (0.1, 0.5, 1.0) for n in (50, 200, 1000)]


def measure_mean(spread: float, n: int, runs: int) -> Row:
    """Return the rates of one spread."""
    truth = math.exp(spread**2 / 2)
    rows = draw(n, spread, runs)
    false_pass, false_fail = rates(ends_of(rows, truth, mean_of))
    some = rows[: runs // 4]
    power, _ = rates(ends_of(some, 1.5 * truth, mean_of))
    estimates = [mean_of(row) for row in some]
    declined = Rate(sum(bool(each and each.doubt) for each in estimates) / len(some))
    widths = [
        ((each.high or 0) - each.value) / (student_high(row) - each.value)
        for row, each in zip(some, estimates, strict=True)
        if each
    ]
    naive = Rate(sum(student_high(row) < truth for row in rows) / runs, runs)
    cells = (
        str(false_pass), str(false_fail), str(power), str(declined), f"{np.median(widths):.2f}",
        naive.marked(),
    )  # fmt: skip
    return Row(f"spread {spread:g}, n {n}", cells, (false_pass, false_fail))


def mean_of(row: Any) -> Estimate | None:
    """Return the estimate of the mean of independent values."""
    return estimate_mean(tally(Unit(1, value) for value in row.tolist()))
