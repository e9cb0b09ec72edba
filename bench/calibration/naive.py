"""The intervals that everybody else has, to compare with: over observations, as if they were independent."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, Final

from evidence.statistics.numerics import t_quantile

Z: Final = NormalDist().inv_cdf(0.95)  # of one bound


def wilson_low(successes: float, n: int) -> float:
    """Return Wilson's lower bound at 0.95 on one side (JASA 22 (1927), 209-212)."""
    p = successes / n
    centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    return centre - Z / (1 + Z * Z / n) * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))


def student_high(values: Any) -> float:
    """Return Student's upper bound of a mean at 0.95 on one side. `values` is an array of numpy."""
    n = len(values)
    return float(values.mean() + t_quantile(0.95, n - 1) * values.std(ddof=1) / math.sqrt(n))
