"""Shares of observations in units of very unequal size: a few answers with many claims, and many with few."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.calibration.clustered import draw_chances, published_low, share_that, tally_of
from bench.calibration.page import Rate, Row, section
from evidence.statistics import End, Tally, estimate_share

_SPREADS = {"geometric": None, "lognormal, spread 1": 1.0, "lognormal, spread 1.5": 1.5}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large units are, and how alike the observations of one."""

    kind: str  # of `_SPREADS`
    correlation: float
    n_units: int

    def __str__(self) -> str:
        return f"{self.kind}, correlation {self.correlation:g}, {self.n_units} units"

    def draw(self, random: np.random.Generator) -> Any:
        """Return the sizes of so many units, about five observations on average."""
        spread = _SPREADS[self.kind]
        if spread is None:
            return random.geometric(0.2, self.n_units)
        return np.maximum(1, np.round(random.lognormal(1, spread, self.n_units))).astype(int)


def draw(design: Sizes, p: float, runs: int, seed: int) -> Iterator[Tally]:
    """Yield tallies of units whose chances do not depend on their sizes, with a share of p."""
    random = np.random.default_rng([seed, design.n_units, int(1000 * design.correlation), int(1000 * p)])
    for _ in range(runs):
        sizes = design.draw(random)
        chances = draw_chances(random, p, design.correlation, design.n_units)
        yield tally_of(sizes, random.binomial(sizes, chances))


@section(
    title="Units of very unequal size",
    says=(
        "The same where a few units hold most of the observations, whose sizes are drawn from a geometric or a "
        "lognormal distribution. Each residual is from the share of the other units, and the degrees of freedom are "
        "those of failing units by their squared sizes. *Korn-Graubard* is the false-pass rate of the method as "
        "published. What is assumed is that sizes say little of how units come out: where failing units are up to "
        "three times as large, false passes are up to 8 %."
    ),
    columns=("false pass", "false fail", "power", "Korn-Graubard"),
    order=25,
)
def measure(runs: int) -> list[Row]:
    """Return the rates of each design and threshold."""
    cases = [(0.3, 0.9), (0.3, 0.95), (0.6, 0.95)]
    return [
        measure_case(Sizes(kind, correlation, n_units), threshold, runs)
        for kind in _SPREADS
        for n_units in (50, 200)
        for correlation, threshold in cases
    ]


def measure_case(design: Sizes, threshold: float, runs: int) -> Row:
    """Return the rates of one design at one threshold."""
    tallies = list(draw(design, threshold, runs, seed=1))
    at = [each for each in map(estimate_share, tallies) if each is not None]
    better = [
        each for each in map(estimate_share, draw(design, (1 + threshold) / 2, runs // 4, seed=2)) if each
    ]
    false_pass, false_fail = share_that(at, threshold, End.PASS), share_that(at, threshold, End.FAIL)
    published = Rate(sum(published_low(each) >= threshold for each in tallies) / runs, runs)
    power = share_that(better, threshold, End.PASS)
    cells = (str(false_pass), str(false_fail), str(power), published.marked())
    return Row(f"{design}, at least {threshold:g}", cells, (false_pass, false_fail))
