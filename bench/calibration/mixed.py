"""Shares of observations in units of which a few always fail, and the others fail now and then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.calibration.clustered import failing, passing, published_lows, rate_of
from bench.calibration.many import bounds_of, ever_pass, in_parts, together
from bench.calibration.page import Row, section


@dataclass(frozen=True, slots=True)
class Mixture:
    """Items tried several times: few are never right, and of the others an attempt goes wrong by chance."""

    n_units: int
    size: int  # attempts at each
    expected: float  # how many of the units are never right, on average
    noise: float  # chance that another attempt fails, in [0, 1]

    @property
    def share(self) -> float:
        """The share of all attempts that are right."""
        return (1 - self.expected / self.n_units) * (1 - self.noise)

    def __str__(self) -> str:
        return (
            f"{self.n_units} units of {self.size}, of which {self.expected:g} always fail, and {100 * self.noise:g} % "
            "of the rest"
        )


CASES = [
    Mixture(40, 5, 2, 0.05),
    Mixture(40, 20, 1.2, 0.05),
    Mixture(60, 20, 3, 0.05),
    Mixture(100, 5, 2, 0.05),
    Mixture(100, 10, 2, 0.05),
    Mixture(100, 10, 5, 0.05),
    Mixture(100, 10, 4, 0.1),
    Mixture(200, 10, 6, 0.03),
    Mixture(400, 5, 4, 0.02),
]


def draw(mixture: Mixture, runs: int, seed: int) -> Iterator[tuple[Any, Any]]:
    """Yield sizes and successes, some runs at a time."""
    random = np.random.default_rng([seed, mixture.n_units, mixture.size, int(1000 * mixture.noise)])
    for part in in_parts(runs, mixture.n_units):
        shape = part, mixture.n_units
        never = random.random(shape) < mixture.expected / mixture.n_units
        right = random.binomial(mixture.size, 1 - mixture.noise, shape)
        yield np.full(shape, mixture.size), np.where(never, 0, right)


@section(
    title="Units of which a few always fail",
    says=(
        "Items tried several times, of which a few are never right, while the others fail now and then: as often as "
        "the case says, on average. The failures by chance make the observations look independent, and in a part of "
        "the draws none, or too few, of the items that always fail is among them. So units are never worth more than "
        "as many that all come out alike would show (their share times alpha to the power of one over their number: "
        "no bound that holds whatever units are like is nearer), and units count for the degrees of freedom by the "
        "failures they hold. *At all looks*: any look after one of the units passes, by betting on what they are "
        "worth. *Korn-Graubard* is the false-pass rate of the method as published."
    ),
    columns=("false pass", "false fail", "at all looks", "Korn-Graubard"),
    order=24,
)
def measure(runs: int) -> list[Row]:
    """Return the rates of each mixture."""
    return [measure_case(mixture, runs) for mixture in CASES]


def measure_case(mixture: Mixture, runs: int) -> Row:
    """Return the rates of one mixture, whose share is the threshold."""
    drawn = list(draw(mixture, runs, seed=1))
    at = together([bounds_of(*part) for part in drawn])
    often = rate_of(
        np.concatenate([ever_pass(*part, mixture.share) for part in draw(mixture, runs // 8, seed=2)])
    )
    published = rate_of(np.concatenate([published_lows(*part) for part in drawn]) >= mixture.share)
    promised = passing(at, mixture.share), failing(at, mixture.share), often
    return Row(str(mixture), (*map(str, promised), published.marked()), promised)
