"""Percentiles: exact whatever the values come from, and not moved by how far out the worst of them are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final

from evidence.statistics.intervals import CONFIDENCE, Estimate, check_confidence
from evidence.statistics.numerics import nearest, outward
from evidence.statistics.shares import clopper_pearson, effective_n
from evidence.statistics.units import Tally, Unit, tally

_ROUNDING: Final = 1e-9  # of a rank: 0.55 of 100 values is the 55th, whatever floating point makes of it


def estimate_percentile(
    values_by_unit: Mapping[str, Sequence[float | None]],
    q: float,
    confidence: float = CONFIDENCE,
    *,
    alone_missing: int = 0,
) -> Estimate | None:
    """Return the q-quantile with bounds that are values observed; None where nothing was observed.

    Independent values: the order statistics that cover the quantile whatever the distribution is. Several values to a
    unit: the same, by the effective n of the share at or below the quantile. What is missing is infinitely large for
    the upper bound and infinitely small for the lower one; a bound that would lie among it, or beyond all values, is
    None.

    Args:
        values_by_unit: what was observed of each unit, in any order; None is missing.
        q: in (0, 1).
        alone_missing: missing observations of which nobody knows the unit, as in `tally`.

    Sources: W. J. Conover, "Practical Nonparametric Statistics" (1999), 3.2; R. S. Woodruff, "Confidence intervals for
    medians and other position measures", JASA 47 (1952), 635-646.

    Raises:
        ValueError: q or confidence outside (0, 1), or a value that is not finite.
    """
    check_confidence(confidence)
    if not 0 < q < 1:
        raise ValueError(f"a quantile lies between 0 and 1, not at {q}")
    observed = list(chain.from_iterable(values_by_unit.values()))
    values = sorted(value for value in observed if value is not None)
    if not values:
        return None
    if not all(map(math.isfinite, values)):
        raise ValueError("a percentile needs finite values")
    value = values[max(0, math.ceil(q * len(values) - _ROUNDING) - 1)]
    within, beyond = _sides(values_by_unit, value, alone_missing)
    n_effective = min(effective_n(side.completed(0.0), confidence) for side in (within, beyond))
    n = len(observed) + alone_missing
    missing = n - len(values)
    above = _rank(q, n_effective, n, confidence)
    below = n + 1 - _rank(1 - q, n_effective, n, confidence)
    low = values[below - missing - 1] if 0 <= below - missing - 1 < len(values) else None
    high = values[above - 1] if above <= len(values) else None
    if low is not None and high is not None:
        low, high = outward(low, high)
    return Estimate(
        value=nearest(value),
        n=len(values),
        n_units=within.n_units,
        n_effective=nearest(n_effective),
        stderr=None,
        low=low,
        high=high,
        worst=None if missing else nearest(value),
        best=None if missing else nearest(value),
        confidence=confidence,
        method="order_statistic" if n_effective == n else "woodruff",
    )


def _rank(q: float, n_effective: float, n: int, confidence: float) -> int:
    """Return which value of n, from 1, is above the q-quantile with the confidence of one bound; n + 1 if none is.

    The smallest k for which a share of k of n at or below would have its lower bound at q.
    """
    low, high = 1, n + 1
    while low < high:
        middle = (low + high) // 2
        share = middle / n
        if clopper_pearson(share * n_effective, n_effective, confidence)[0] >= q:
            high = middle
        else:
            low = middle + 1
    return low


def _sides(
    values_by_unit: Mapping[str, Sequence[float | None]], value: float, alone_missing: int
) -> tuple[Tally, Tally]:
    """Return the share of observations at or below a value, and that above it, by unit."""
    within, beyond = [], []
    for values in values_by_unit.values():
        observed = [each for each in values if each is not None]
        below = sum(each <= value for each in observed)
        missing = len(values) - len(observed)
        within.append(Unit(len(observed), below, missing))
        beyond.append(Unit(len(observed), len(observed) - below, missing))
    return tally(within, alone_missing=alone_missing), tally(beyond, alone_missing=alone_missing)
