"""A judge that people correct, where a few units are never right: what people labelled may hold none of them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from bench.calibration.judged import published_low
from bench.calibration.mixed import Mixture
from bench.calibration.page import ALPHA, Rate, Row, section
from evidence.statistics import two_sided
from evidence.statistics.judged import JudgedSample, corrected_mean

_OFTEN: Final = 0.9  # chance that a useless judge finds an answer right


class Judge(enum.StrEnum):
    """What a judge says of answers."""

    PERFECT = "perfect"  # what people say
    USELESS = "useless"  # anything
    BLIND = "blind"  # right, of just the units that are never right
    HALF_BLIND = "half blind"  # right, of every second of those
    COARSE = "coarse"  # wrong, of just the units that are never right
    KIND = "kind"  # right, of every second answer that is wrong

    def says(self, human: Any, never: Any, random: np.random.Generator) -> Any:
        """Return it, of shape (unit, answer).

        Args:
            human: what people say, likewise.
            never: which units are never right, of shape (unit, 1).
        """
        if self is Judge.USELESS:
            return random.random(human.shape) < _OFTEN
        if self is Judge.COARSE:
            return np.broadcast_to(~never, human.shape)
        seconds = random.random((human if self is Judge.KIND else never).shape) < 1 / 2
        found_right: dict[Judge, Any] = {
            Judge.BLIND: never, Judge.HALF_BLIND: never & seconds, Judge.KIND: seconds,
        }  # fmt: skip
        return human | found_right.get(self, False)


@dataclass(frozen=True, slots=True)
class Labelling:
    """Units of which a few are never right, and what people label of them."""

    mixture: Mixture
    labels: int  # answers
    whole: bool = False  # whether they label all answers of a unit, or answers drawn from all units

    def __str__(self) -> str:
        how = f"of {self.labels // self.mixture.size} of them" if self.whole else "drawn"
        return f"{self.labels} labels {how}, {self.mixture}"


CASES: Final = [
    Labelling(Mixture(40, 20, 1.2, 0.05), 200),
    Labelling(Mixture(40, 20, 1.2, 0.05), 800),
    Labelling(Mixture(40, 5, 2, 0.05), 100),
    Labelling(Mixture(60, 20, 3, 0.05), 300),
    Labelling(Mixture(100, 10, 4, 0.1), 800),
    Labelling(Mixture(100, 10, 5, 0.05), 300),
    Labelling(Mixture(240, 20, 7.2, 0.05), 800, whole=True),
    Labelling(Mixture(240, 10, 6, 0.05), 400, whole=True),
    Labelling(Mixture(1000, 10, 30, 0.05), 500, whole=True),
]


def draw(labelling: Labelling, judge: Judge, random: np.random.Generator) -> JudgedSample:
    """Return what people and a judge say of units drawn from very many."""
    mixture = labelling.mixture
    never = random.random((mixture.n_units, 1)) < mixture.expected / mixture.n_units
    human = (random.random((mixture.n_units, mixture.size)) >= mixture.noise) & ~never
    said, scored = (each.ravel().astype(np.float64) for each in (human, judge.says(human, never, random)))
    units = np.repeat(np.arange(mixture.n_units), mixture.size)
    order = np.arange(units.size) if labelling.whole else random.permutation(units.size)
    first, rest = order[: labelling.labels], order[labelling.labels :]
    return JudgedSample(said[first], scored[first], scored[rest], units[first], units[rest])


@section(
    title="A corrected judge, units of which a few always fail",
    says=(
        "Answers of units of which a few are never right, while the others go wrong now and then: as often as the "
        "case says, on average. People label some, and a judge scores all. Each rate is that of the worst of six "
        "judges: one says what people say, one says anything, one finds right just the units that are never right, "
        "one every second of those, one sees nothing but those, and one finds right half of what is wrong. No more is "
        "shown than by as many labelled units that all come out alike, whatever a judge says of the others: it may be "
        "wrong on just those that nobody labelled. *PPI++* is its normal interval as published."
    ),
    columns=("false pass", "false fail", "PPI++"),
    order=97,
    one_in=2,
)
def measure(runs: int) -> list[Row]:
    """Return the rates of each labelling."""
    return [measure_case(labelling, runs) for labelling in CASES]


def measure_case(labelling: Labelling, runs: int) -> Row:
    """Return the rates of the worst of the judges, the share being the threshold."""
    found = [measure_judge(labelling, judge, runs) for judge in Judge]
    worst = [max(rates, key=lambda rate: rate.value) for rates in zip(*found, strict=True)]
    promised = tuple(rate for rates in found for rate in rates[:2])
    return Row(str(labelling), (str(worst[0]), str(worst[1]), worst[2].marked()), promised)


def measure_judge(labelling: Labelling, judge: Judge, runs: int) -> tuple[Rate, Rate, Rate]:
    """Return how often a judge passes and fails wrongly, and how often it would pass by PPI++ as published."""
    mixture, number = labelling.mixture, list(Judge).index(judge)
    random = np.random.default_rng(
        [mixture.n_units, mixture.size, int(10 * mixture.expected), labelling.labels, number]
    )
    passed = failed = published = 0
    for _ in range(runs):
        sample = draw(labelling, judge, random)
        estimate, _tuning = corrected_mean(sample, two_sided(1 - ALPHA))
        passed += estimate.low is not None and estimate.low >= mixture.share
        failed += estimate.high is not None and estimate.high < mixture.share
        published += sample.unlabelled.size > 0 and published_low(sample) >= mixture.share
    return Rate(passed / runs, runs), Rate(failed / runs, runs), Rate(published / runs, runs)
