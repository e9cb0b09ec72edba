"""Shares of observations that belong to units: attempts at items, claims of answers."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy import special, stats

from bench.calibration.many import Bounds, Worths, bounds_of, in_parts, together
from bench.calibration.naive import wilson_low
from bench.calibration.page import ALPHA, Rate, Row, section
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


def draw(design: Design, p: float, runs: int, seed: int) -> Iterator[tuple[Any, Any]]:
    """Yield sizes and successes of a beta-binomial population whose share is p, some runs at a time."""
    random = np.random.default_rng(
        [seed, design.size, design.n, int(1000 * design.correlation), int(1000 * p)]
    )
    n_units = design.n // design.size
    for part in in_parts(runs, n_units):
        shape = part, n_units
        sizes = random.integers(1, 2 * design.size, shape) if design.unequal else np.full(shape, design.size)
        yield sizes, random.binomial(sizes, draw_chances(random, p, design.correlation, shape))


def draw_chances(random: np.random.Generator, p: Any, correlation: float, shape: Any) -> Any:
    """Return each unit's chance of a success, p on average, such that observations of a unit correlate."""
    if not correlation:
        return np.broadcast_to(p, shape)
    weight = (1 - correlation) / correlation
    return random.beta(p * weight, (1 - p) * weight, shape)


def bounds(design: Design, p: float, runs: int, seed: int) -> Bounds:
    """Return what that many draws say."""
    return together([bounds_of(*part) for part in draw(design, p, runs, seed)])


def passing(found: Bounds, threshold: float) -> Rate:
    """Return how many of them pass "at least" a threshold."""
    return rate_of(found.lows >= threshold)


def failing(found: Bounds, threshold: float) -> Rate:
    """Return how many of them fail it."""
    return rate_of(found.highs < threshold)


def rate_of(holds: Any) -> Rate:
    """Return how often something holds, told for each run."""
    return Rate(float(holds.mean()), holds.size)


@section(
    title="Observations in units",
    says=(
        "Korn and Graubard's effective n, with the degrees of freedom of the units that hold most of the failures. The "
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
    drawn = list(draw(design, threshold, runs, seed=1))
    at = together([bounds_of(*part) for part in drawn])
    better = bounds(design, (1 + threshold) / 2, runs // 4, seed=2)
    promised = passing(at, threshold), failing(at, threshold)
    ns = np.concatenate([sizes.sum(axis=1) for sizes, _ in drawn])
    naive = np.array([wilson_low(value * n, n) for value, n in zip(at.values, ns, strict=True)])
    published = rate_of(np.concatenate([published_lows(*part) for part in drawn]) >= threshold)
    widths = (at.values - at.lows) / (at.values - naive)
    effective = float(np.median(at.n_effective)) * design.inflation / design.n
    cells = (
        *map(str, promised), str(passing(better, threshold)), f"{np.median(widths):.2f}",
        rate_of(naive >= threshold).marked(), published.marked(), f"{effective:.2f}",
    )  # fmt: skip
    return Row(f"{design}, at least {threshold:g}", cells, promised)


def published_lows(sizes: Any, successes: Any) -> Any:
    """Return lower bounds at 0.95 of Korn and Graubard (1998), with n where there is no failure."""
    n, n_units, share = sizes.sum(axis=1), sizes.shape[1], successes.sum(axis=1) / sizes.sum(axis=1)
    squares = ((successes - share[:, None] * sizes) ** 2).sum(axis=1)
    ratio = special.stdtrit(n - 1, 0.95) / special.stdtrit(n_units - 1, 0.95)
    with np.errstate(divide="ignore", invalid="ignore"):
        told = np.minimum(share * (1 - share) / (n_units / (n_units - 1) * squares / n**2) * ratio**2, n)
    return Worths(share, np.where(squares > 0, told, n), 1.0).lows()


@section(
    title="Units needed",
    says=(
        "How many units it takes to pass in 80 of 100 cases, truth lying as far above the threshold as the "
        "case says, and how many it would take whoever knew the correlation (Clopper and Pearson on n over "
        "the true design effect; exact, by the distribution of the sum of beta-binomial units). Power rises in a "
        "saw's line, so each is averaged over five numbers of units that follow one another. Whoever knows the "
        "correlation, and not that no unit always fails, needs *whatever they are like* at least: as many units as "
        "would pass had all come out alike (their share times alpha to the power of one over their number). *Ratio* is "
        "to the first of the two: at most 1.2 is wanted, and two cases take more."
    ),
    columns=("units", "with the correlation known", "whatever they are like", "ratio"),
    order=30,
    one_in=2,
)
def measure_needed(runs: int) -> list[Row]:
    """Return the units that each design needs."""
    cases = product((0.1, 0.3, 0.6), (2, 5), ((0.8, 0.87), (0.9, 0.94), (0.95, 0.975)))
    return [_needed_case(correlation, size, *truth, max(runs // 4, 1)) for correlation, size, truth in cases]


def _needed_case(correlation: float, size: int, threshold: float, p: float, runs: int) -> Row:
    def power(n_units: int) -> float:
        return passing(bounds(Design(correlation, size, n_units * size), p, runs, seed=3), threshold).value

    def known(n_units: int) -> float:
        return known_power(Design(correlation, size, n_units * size), threshold, p)

    def alike(n_units: int) -> float:
        return alike_power(Design(correlation, size, n_units * size), threshold, p)

    theirs, least = first(_smoothed(known)), first(_smoothed(alike))
    ours = first(_smoothed(power), above=theirs * 3 // 4)
    case = f"correlation {correlation:g}, units of {size}, at least {threshold:g}, truth {p:g}"
    return Row(case, (str(ours), str(theirs), str(least), f"{ours / theirs:.2f}"), ())


def alike_power(design: Design, threshold: float, p: float) -> float:
    """Return how often units with share p pass that are taken to have all come out alike, exactly."""
    kept = ALPHA ** (design.size / design.n)
    allowed = int((1 - threshold / kept) * design.n) + 1 if threshold < kept else 0
    return float(chances_of_failures(design, p)[:allowed].sum())


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


def first(power: Callable[[int], float], wanted: float = 0.8, *, above: int = 8) -> int:
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
