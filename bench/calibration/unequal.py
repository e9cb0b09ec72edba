"""Shares of observations in units of unequal size: a few answers with many claims, which may also fail more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, Final

import numpy as np
from scipy import optimize, special, stats

from bench.calibration.clustered import draw_chances, failing, first, passing, published_lows, rate_of
from bench.calibration.many import Bounds, Worths, bounds_of, in_parts, together, worths_of
from bench.calibration.page import Row, section

_SPREADS: Final = {"lognormal, spread 1": 1.0, "lognormal, spread 1.5": 1.5}
_LARGEST: Final = 5_000  # a size that is practically never exceeded
_WORST: Final = 0.95  # chance of a failure in the largest units, where they fail more


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large units are, and how alike the observations of one."""

    kind: str
    correlation: float
    n_units: int
    lean: int = 0  # the chance of a failure grows with this power of the size

    def __str__(self) -> str:
        grows = {0: "", 1: ", failing as often as they are large", 2: ", as often as their squared size"}
        return f"{self.kind}, correlation {self.correlation:g}, {self.n_units} units{grows[self.lean]}"


@cache
def _chances_of_sizes(kind: str) -> Any:
    """Return how likely the sizes 1, 2, … are, about five observations on average."""
    sizes = np.arange(1, _LARGEST + 1)
    if kind == "1 to 9":
        return np.where(sizes <= 9, 1 / 9, 0.0)
    if kind == "geometric":
        return stats.geom(0.2).pmf(sizes)
    edges = special.ndtr((np.log(sizes + 0.5) - 1) / _SPREADS[kind])
    return np.diff(edges, prepend=0.0) / edges[-1]


@cache
def _chances_of_failures(kind: str, lean: int, share: float) -> Any:
    """Return how likely an observation of a unit of the size 1, 2, … fails, such that `share` succeed of all."""
    sizes, likely = np.arange(1, _LARGEST + 1), _chances_of_sizes(kind)
    weights = likely * sizes / (likely @ sizes)

    def chances(factor: float) -> Any:
        return np.minimum(factor * sizes.astype(np.float64) ** lean, _WORST)

    return chances(optimize.brentq(lambda factor: weights @ chances(factor) - (1 - share), 0, 1, xtol=1e-15))


def draw(design: Sizes, p: float, runs: int, seed: int) -> Iterator[tuple[Any, Any]]:
    """Yield sizes and successes of units with a share of p, some runs at a time."""
    random = np.random.default_rng(
        [seed, design.n_units, int(1000 * design.correlation), int(1000 * p), design.lean]
    )
    rising = _chances_of_sizes(design.kind).cumsum()
    of_sizes = 1 - _chances_of_failures(design.kind, design.lean, p)
    for part in in_parts(runs, design.n_units):
        shape = part, design.n_units
        places = np.minimum(np.searchsorted(rising, random.random(shape)), _LARGEST - 1)
        chances = draw_chances(random, of_sizes[places], design.correlation, shape)
        yield places + 1, random.binomial(places + 1, chances)


def bounds(design: Sizes, p: float, runs: int, seed: int) -> Bounds:
    """Return what that many draws say."""
    return together([bounds_of(*part) for part in draw(design, p, runs, seed)])


@section(
    title="Units of very unequal size",
    says=(
        "The same where a few units hold most of the observations, whose sizes are drawn from a geometric or a "
        "lognormal distribution, and say nothing of how units come out. Each residual is from the share of the other "
        "units, and the degrees of freedom are those of failing units by their squared sizes. *Korn-Graubard* is the "
        "false-pass rate of the method as published."
    ),
    columns=("false pass", "false fail", "power", "Korn-Graubard"),
    order=25,
)
def measure(runs: int) -> list[Row]:
    """Return the rates of each design and threshold."""
    cases = [(0.3, 0.9), (0.3, 0.95), (0.6, 0.95)]
    return [
        measure_case(Sizes(kind, correlation, n_units), threshold, runs)
        for kind in ("geometric", *_SPREADS)
        for n_units in (50, 200)
        for correlation, threshold in cases
    ]


@section(
    title="Units that fail more the larger they are",
    says=(
        "Long conversations go wrong more often than short ones. Sizes run from 1 to 9 or are drawn from a geometric "
        "or a lognormal distribution (five observations on average), and the chance of a failure grows with the size "
        "or its square, up to 95 %. Where that is seen in the data, one more unit, as large as the largest, is taken "
        "to have failed whole. What is left is where units are few, sizes lognormal and observations alike: 50 units "
        "that correlate at 0.6 pass wrongly in 6.5 % at 0.8. *Korn-Graubard* is the false-pass rate of the method as "
        "published."
    ),
    columns=("false pass", "false fail", "power", "Korn-Graubard"),
    order=26,
)
def measure_leaning(runs: int) -> list[Row]:
    """Return the rates of each design and threshold."""
    kinds, leans = ("1 to 9", "geometric", "lognormal, spread 1"), ((0.05, 1), (0.3, 1), (0.3, 2))
    return [
        measure_case(Sizes(kind, correlation, n_units, lean), threshold, runs)
        for kind, n_units, (correlation, lean) in product(kinds, (50, 200, 500), leans)
        for threshold in (0.8, 0.9, 0.95)
    ]


def measure_case(design: Sizes, threshold: float, runs: int) -> Row:
    """Return the rates of one design at one threshold."""
    drawn = list(draw(design, threshold, runs, seed=1))
    at = together([bounds_of(*part) for part in drawn])
    promised = passing(at, threshold), failing(at, threshold)
    published = rate_of(np.concatenate([published_lows(*part) for part in drawn]) >= threshold)
    power = passing(bounds(design, (1 + threshold) / 2, runs // 4, seed=2), threshold)
    return Row(
        f"{design}, at least {threshold:g}", (*map(str, promised), str(power), published.marked()), promised
    )


@section(
    title="Units needed where sizes differ",
    says=(
        "As above, where sizes say nothing of how units come out, which whoever knew the correlation knows, too. Some "
        "draws look as if large units failed more; what that costs is in the ratio, and in *without it* is the ratio "
        "of the bound that takes sizes to say nothing."
    ),
    columns=("units", "with the correlation known", "ratio", "without it"),
    order=31,
    one_in=2,
)
def measure_needed(runs: int) -> list[Row]:
    """Return the units that each design needs."""
    cases = product(("1 to 9", "geometric"), (0.1, 0.3, 0.6), ((0.8, 0.87), (0.9, 0.94), (0.95, 0.975)))
    return [_needed_case(kind, correlation, *truth, max(runs // 2, 1)) for kind, correlation, truth in cases]


def _needed_case(kind: str, correlation: float, threshold: float, p: float, runs: int) -> Row:
    def units_by(judge: Any) -> int:
        def power(n_units: int) -> float:
            drawn = draw(Sizes(kind, correlation, n_units), p, runs, seed=3)
            return float(np.concatenate([judge(*part) for part in drawn]).mean())

        return first(power)

    def known(sizes: Any, successes: Any) -> Any:
        n = sizes.sum(axis=1)
        effective = n / (1 + ((sizes**2).sum(axis=1) / n - 1) * correlation)
        return Worths(successes.sum(axis=1) / n, effective, 1.0).lows() >= threshold

    ours, theirs, without = (
        units_by(judge)
        for judge in (
            lambda *part: bounds_of(*part).lows >= threshold,
            known,
            lambda sizes, good: worths_of(sizes, good, lean=1e9).lows() >= threshold,
        )
    )
    case = f"{kind}, correlation {correlation:g}, at least {threshold:g}, truth {p:g}"
    return Row(case, (str(ours), str(theirs), f"{ours / theirs:.2f}", f"{without / theirs:.2f}"), ())
