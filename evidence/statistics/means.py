"""Means of what has no bounds. Their intervals promise nothing for heavy tails, and say so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from evidence.statistics.intervals import CONFIDENCE, Estimate, check_confidence
from evidence.statistics.numerics import nearest, outward, t_quantile
from evidence.statistics.units import Tally

# Cochran asks for more than 25 times the squared skewness, for an interval of 95 % on two sides to hold at 94 %. One
# side has all of the error, and a few values from a long tail are less skewed than the tail: so twice it.
COCHRAN: Final = 50

# Units below which skewness cannot be seen: that of two values is always 0. By measurement: two values of a lognormal
# distribution make 18 to 48 % false passes, four 8 to 12 %, eight 3 to 6 %, twelve 1 to 5 %.
FEWEST: Final = 12

_EQUAL: Final = 1e-12  # of a mean: values that differ by less differ by floating point alone


def estimate_mean(units: Tally, confidence: float = CONFIDENCE) -> Estimate | None:
    """Return the mean with its interval; None where nothing was observed.

    Each bound is the more cautious one of Student's, of which skewed values are missed by up to three times as often as
    promised, and Hall's, which takes skewness out. What varies is the units. `doubt` says what neither can help: few
    units, or few for how skewed they are, no spread, or missing observations, of which each could be anything.

    Sources: P. Hall, "On the removal of skewness by transformation", JRSS B 54 (1992), 221-228; W. G. Cochran,
    "Sampling Techniques" (1977), 2.15.

    Raises:
        ValueError: a value that is no number, or confidence outside (0, 1).
        OverflowError: the sum of the values, or a bound, is beyond what a float holds.
    """
    check_confidence(confidence)
    if not units.n:
        return None
    mean = units.total / units.n
    if math.isnan(mean):
        raise ValueError("a mean needs numbers")
    spread = _spread(units, mean)
    low = high = None
    if spread.n_units > 1:
        low, high = outward(
            _bound(mean, spread, (1 - confidence) / 2), _bound(mean, spread, (1 + confidence) / 2)
        )
    if not all(map(math.isfinite, (mean, low or 0.0, high or 0.0))):
        raise OverflowError("these values have no mean or no spread that a float can hold")
    missing = units.n_missing
    return Estimate(
        value=nearest(mean),
        n=units.n,
        n_units=units.n_units,
        n_effective=spread.n_units,
        stderr=nearest(spread.stderr) if spread.n_units > 1 else None,
        low=None if missing else low,
        high=None if missing else high,
        worst=None if missing else nearest(mean),
        best=None if missing else nearest(mean),
        confidence=confidence,
        method="hall",
        doubt=_doubt(spread, missing),
    )


@dataclass(frozen=True, slots=True)
class _Spread:
    """How the units of a mean vary about it."""

    n_units: int  # of which anything was observed
    stderr: float  # of the mean, in its unit; 0 with one unit
    skewness: float  # of the units' residuals


def _spread(units: Tally, mean: float) -> _Spread:
    """Return the spread of the units' residuals: what each adds to the mean's error, as of a ratio of two sums."""
    observed = [(unit, count) for unit, count in units.items() if unit.n]
    n_units = sum(count for _, count in observed)
    size = units.n / n_units
    residuals = [((unit.total - mean * unit.n) / size, count) for unit, count in observed]
    # In terms of the largest, so that no power of a residual leaves what a float holds.
    scale = max(abs(residual) for residual, _ in residuals)
    if n_units < 2 or scale <= _EQUAL * abs(mean):
        return _Spread(n_units, 0.0, 0.0)
    squares, cubes = (
        math.fsum((residual / scale) ** exponent * count for residual, count in residuals)
        for exponent in (2, 3)
    )
    skewness = (cubes / n_units) / (squares / n_units) ** 1.5
    return _Spread(n_units, scale * math.sqrt(squares / (n_units - 1) / n_units), skewness)


def _bound(mean: float, spread: _Spread, p: float) -> float:
    """Return the bound that the mean lies below with probability p: the further one of Student's and Hall's."""
    student = t_quantile(p, spread.n_units - 1)
    quantile = t_quantile(1 - p, spread.n_units - 1)
    skew = spread.skewness / math.sqrt(spread.n_units)
    hall = -quantile if abs(skew) < 1e-9 else -3 / skew * (math.cbrt(1 + skew * (quantile - skew / 6)) - 1)
    further = max(student, hall) if p > 0.5 else min(student, hall)
    return mean + further * spread.stderr


def _doubt(spread: _Spread, missing: int) -> str:
    if missing:
        return f"{missing} observations are missing, and a mean without bounds could be anything with them"
    if spread.n_units < 2:
        return "one unit has no spread to judge by"
    if not spread.stderr:
        return "all values are equal, which leaves no interval to judge by"
    if spread.n_units < FEWEST:
        return f"{spread.n_units} units cannot show how skewed the values are: {FEWEST} are needed at least"
    if spread.n_units <= COCHRAN * spread.skewness**2:
        needed = math.ceil(COCHRAN * spread.skewness**2)
        return (
            f"the values are too skewed for a mean of {spread.n_units} units to promise anything (about {needed} are "
            "needed): ask for a percentile"
        )
    return ""
