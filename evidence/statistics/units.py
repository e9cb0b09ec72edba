"""Observations belong to units: what is independent of one another is the units, and only they are evidence anew.

Four attempts at one item, or the claims of one answer, are several observations and one unit. Units that look alike are
counted together, so that a million traces take no more room than the handful of ways they came out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Unit(NamedTuple):
    """What was observed of one unit, which may be several times."""

    n: int  # observations
    total: float  # sum of their values
    missing: int = 0  # further observations that were to be made and have no value


class Tally:
    """Units by how they came out. Never changed once made."""

    def __init__(self, units: Mapping[Unit, int]) -> None:
        self._units = {unit: count for unit, count in sorted(units.items()) if count}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and self._units == other._units

    def __hash__(self) -> int:
        return hash(tuple(self._units.items()))

    def items(self) -> Iterable[tuple[Unit, int]]:
        """Return each way that units came out, with how many did; in order, so that sums are the same anywhere."""
        return self._units.items()

    @property
    def n_units(self) -> int:
        """Units of which anything was observed or was to be."""
        return sum(self._units.values())

    @property
    def n(self) -> int:
        """Observations with a value."""
        return sum(unit.n * count for unit, count in self.items())

    @property
    def n_missing(self) -> int:
        """Observations that were to be made and have no value."""
        return sum(unit.missing * count for unit, count in self.items())

    @property
    def total(self) -> float:
        """The sum of all values, in their unit.

        Raises:
            OverflowError: it is beyond what a float holds.
        """
        totals = [unit.total * count for unit, count in self.items()]
        if any(map(math.isinf, totals)):
            raise OverflowError("these values have no sum that a float can hold")
        return math.fsum(totals)

    @property
    def is_independent(self) -> bool:
        """Whether each unit is one observation."""
        return all(unit.n + unit.missing == 1 for unit in self._units)

    def completed(self, value: float) -> Tally:
        """Return the tally as it would be had each missing observation come out at `value`."""
        filled: Counter[Unit] = Counter()
        for unit, count in self.items():
            filled[Unit(unit.n + unit.missing, unit.total + unit.missing * value)] += count
        return Tally(filled)


def tally(units: Iterable[Unit], *, alone_missing: int = 0) -> Tally:
    """Count units by how they came out.

    Args:
        alone_missing: missing observations of which nobody knows the unit. They are taken to fill whole units, as large
            as the largest that is known: each by itself would be evidence of its own, and a unit that failed and whose
            four attempts were all rejected would make the share surer than if it had been scored.
    """
    counted = Counter(units)
    largest = max((unit.n + unit.missing for unit in counted), default=1)
    whole, rest = divmod(alone_missing, largest)
    for size, count in ((largest, whole), (rest, 1 if rest else 0)):
        counted[Unit(0, 0.0, size)] += count
    return Tally(counted)


def tally_share(successes: int, n: int, *, missing: int = 0) -> Tally:
    """Return the tally of n independent observations of which so many succeeded, with so many missing.

    Raises:
        ValueError: successes outside [0, n].
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is not a share")
    return Tally({Unit(1, 1.0): successes, Unit(1, 0.0): n - successes, Unit(0, 0.0, 1): missing})


def effective_units(units: Tally) -> float:
    """Return how many units of equal size would weigh as much: (sum of sizes)^2 / sum of squared sizes.

    Source: L. Kish, "Survey Sampling" (1965), 11.7.
    """
    sizes = [(unit.n + unit.missing, count) for unit, count in units.items()]
    squared = sum(size * size * count for size, count in sizes)
    return sum(size * count for size, count in sizes) ** 2 / squared if squared else 0.0
