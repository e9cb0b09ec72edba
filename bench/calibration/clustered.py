"""Shares of observations that belong to units: attempts at items, claims of answers."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy import stats

from bench.calibration.naive import wilson_low
from bench.calibration.page import Rate, Row, section
from evidence.statistics import End, Estimate, Tally, Unit, estimate_share, judge_bounds
from evidence.statistics.numerics import t_quantile
from evidence.statistics.shares import clopper_pearson


@dataclass(frozen=True, slots=True)
class Design:
    """How observations fall into units."""

    correlation: float  # within a unit, in [0, 1)
    size: int  # of a unit, on average
    n: int  # observations
    unequal: bool = False  # whether sizes run from 1 to 2 x size - 1

    @property
    def inflation(self) -> float:
        """The design effect, by which the variance is larger than that of independent observations."""
        heavy = self.size + (self.size**2 - 1) / (3 * self.size) if self.unequal else self.size
        return 1 + (heavy - 1) * self.correlation

    def __str__(self) -> str:
        sizes = f"1 to {2 * self.size - 1}" if self.unequal else str(self.size)
        return f"correlation {self.correlation:g}, units of {sizes}, n {self.n}"


def draw(design: Design, p: float, runs: int, seed: int) -> Iterator[Tally]:
    """Yield tallies of a beta-binomial population whose share is p."""
    random = np.random.default_rng(
        [seed, design.size, design.n, int(1000 * design.correlation), int(1000 * p)]
    )
    n_units = design.n // design.size
    for _ in range(runs):
        sizes = (
            random.integers(1, 2 * design.size, n_units) if design.unequal else np.full(n_units, design.size)
        )
        yield tally_of(sizes, random.binomial(sizes, draw_chances(random, p, design.correlation, n_units)))


def tally_of(sizes: Any, successes: Any) -> Tally:
    """Count units by size and successes, given as arrays."""
    base = int(sizes.max()) + 1
    counted = np.bincount(sizes * base + successes)
    return Tally({
        Unit(int(key) // base, float(int(key) % base)): int(counted[key]) for key in np.flatnonzero(counted)
    })  # fmt: skip


def draw_chances(random: np.random.Generator, p: float, correlation: float, n_units: int) -> Any:
    """Return each unit's chance of a success, p on average, such that observations of a unit correlate."""
    if not correlation:
        return np.full(n_units, p)
    weight = (1 - correlation) / correlation
    return random.beta(p * weight, (1 - p) * weight, n_units)


def estimates(design: Design, p: float, runs: int, seed: int) -> list[Estimate]:
    """Return the estimates of that many draws."""
    found = (estimate_share(each) for each in draw(design, p, runs, seed))
    return [each for each in found if each is not None]


def share_that(ends: list[Estimate], threshold: float, end: End) -> Rate:
    """Return how many estimates end so against "at least" a threshold."""
    return rate_of(
        ends, lambda each: judge_bounds(each.low, each.high, threshold, higher_is_better=True) is end
    )


def rate_of(found: list[Estimate], holds: Callable[[Estimate], bool]) -> Rate:
    """Return of how many estimates something holds."""
    return Rate(sum(map(holds, found)) / len(found), len(found))


@section(
    title="Observations in units",
    says=(
        "Korn and Graubard's effective n, with the degrees of freedom of the units that hold a failure. The "
        "correlation is that of two observations of one unit. *Korn-Graubard* is the false-pass rate of the "
        "method as published, with the degrees of freedom of all units: where few of them hold a failure it "
        "breaks its promise, which is why it is not used as it is. *Effective* is the effective n at the "
        "threshold (median), relative to what the true correlation would give."
    ),
    columns=("false pass", "false fail", "power", "width", "naive", "Korn-Graubard", "effective"),
    order=20,
)
def measure(runs: int) -> list[Row]:
    """Return the rates of each design and threshold."""
    layouts = [(2, False), (5, False), (5, True), (10, False)]
    designs = [
        Design(correlation, size, n, unequal)
        for correlation, (size, unequal), n in product((0.1, 0.3, 0.6), layouts, (200, 500, 1000))
    ]
    few = [Design(0.3, 5, 50), Design(0.3, 5, 100), Design(0.6, 10, 100)]
    return [
        measure_case(design, threshold, runs) for design in (*designs, *few) for threshold in (0.8, 0.9, 0.95)
    ]


def measure_case(design: Design, threshold: float, runs: int) -> Row:
    """Return the rates of one design at one threshold."""
    at = estimates(design, threshold, runs, seed=1)
    better = estimates(design, (1 + threshold) / 2, runs // 4, seed=2)
    false_pass, false_fail = share_that(at, threshold, End.PASS), share_that(at, threshold, End.FAIL)
    naive = rate_of(at, lambda each: wilson_low(each.value * each.n, each.n) >= threshold)
    published = _published(design, threshold, runs)
    widths = [
        (each.value - (each.low or 0)) / (each.value - wilson_low(each.value * each.n, each.n)) for each in at
    ]
    effective = float(np.median([each.n_effective for each in at])) * design.inflation / design.n
    cells = (
        str(false_pass), str(false_fail), str(share_that(better, threshold, End.PASS)), f"{np.median(widths):.2f}",
        naive.marked(), published.marked(), f"{effective:.2f}",
    )  # fmt: skip
    return Row(f"{design}, at least {threshold:g}", cells, (false_pass, false_fail))


def _published(design: Design, threshold: float, runs: int) -> Rate:
    """Return the false-pass rate of Korn and Graubard's interval as published."""
    passed = sum(published_low(each) >= threshold for each in draw(design, threshold, runs, seed=1))
    return Rate(passed / runs, runs)


def published_low(units: Tally) -> float:
    """Return the lower bound at 0.95 of Korn and Graubard (1998), with n where there is no failure."""
    p, n, n_units = units.total / units.n, units.n, units.n_units
    squares = sum((unit.total - p * unit.n) ** 2 * count for unit, count in units.items())
    if not squares:
        return clopper_pearson(units.total, n, 0.9)[0]
    variance = n_units / (n_units - 1) * squares / n**2
    ratio = t_quantile(0.95, n - 1) / t_quantile(0.95, n_units - 1)
    effective = min(p * (1 - p) / variance * ratio**2, n)
    return clopper_pearson(p * effective, effective, 0.9)[0]


@section(
    title="Units needed",
    says=(
        "How many units it takes to pass in 80 of 100 cases, truth lying as far above the threshold as the "
        "case says, and how many it would take whoever knew the correlation (Clopper and Pearson on n over "
        "the true design effect; exact, by the distribution of the sum of beta-binomial units). Power rises in a "
        "saw's line, so each is averaged over five numbers of units that follow one another. At most 20 % more are "
        "allowed."
    ),
    columns=("units", "with the correlation known", "ratio"),
    order=30,
    one_in=2,
)
def measure_needed(runs: int) -> list[Row]:
    """Return the units that each design needs."""
    cases = product((0.1, 0.3, 0.6), (2, 5), ((0.8, 0.87), (0.9, 0.94), (0.95, 0.975)))
    return [_needed_case(correlation, size, *truth, max(runs // 4, 1)) for correlation, size, truth in cases]


def _needed_case(correlation: float, size: int, threshold: float, p: float, runs: int) -> Row:
    def power(n_units: int) -> float:
        found = estimates(Design(correlation, size, n_units * size), p, runs, seed=3)
        return share_that(found, threshold, End.PASS).value

    def known(n_units: int) -> float:
        return known_power(Design(correlation, size, n_units * size), threshold, p)

    theirs = _first(_smoothed(known))
    ours = _first(_smoothed(power), above=theirs * 3 // 4)
    case = f"correlation {correlation:g}, units of {size}, at least {threshold:g}, truth {p:g}"
    return Row(case, (str(ours), str(theirs), f"{ours / theirs:.2f}"), ())


def known_power(design: Design, threshold: float, p: float) -> float:
    """Return how often whoever knows the correlation sees units with share p pass, exactly."""
    effective = design.n / design.inflation

    def passes(failures: int) -> bool:
        return clopper_pearson((1 - failures / design.n) * effective, effective, 0.9)[0] >= threshold

    allowed = bisect.bisect_left(range(design.n + 1), True, key=lambda each: not passes(each))  # noqa: FBT003
    return float(chances_of_failures(design, p)[:allowed].sum())


def chances_of_failures(design: Design, p: float) -> Any:
    """Return how likely each number of failures is, over all units of equal size: their generating function's power."""
    weight = (1 - design.correlation) / design.correlation
    of_unit = stats.betabinom(design.size, (1 - p) * weight, p * weight).pmf(np.arange(design.size + 1))
    transform = np.fft.rfft(of_unit, 2 ** (design.n + 1).bit_length())
    return np.fft.irfft(transform ** (design.n // design.size))[: design.n + 1].clip(min=0)


def _smoothed(power: Callable[[int], float]) -> Callable[[int], float]:
    return lambda n_units: sum(power(n_units + further) for further in range(5)) / 5


def _first(power: Callable[[int], float], wanted: float = 0.8, *, above: int = 8) -> int:
    """Return the number of units at which the power is reached, to about 1 %.

    Args:
        above: a number at which it is not.
    """
    low, high = above, above * 3 // 2
    while power(high) < wanted:
        low, high = high, high * 3 // 2
    while high - low > max(1, high // 100):
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= wanted else (middle, high)
    return high
