"""Bounds for the mean of independent scores in [0, 1]; of zeros and ones they are those of Clopper and Pearson.

Scores vary less than successes and failures with the same mean, and a bound that takes them for such is too cautious
by as much. Gaffke's bound takes them as they are: the mean is weighted at random (uniform spacings, one of them for a
score of 0 that was not observed), and the bound is what the weighted mean exceeds with the confidence asked for.

Sources: N. Gaffke, "Three test statistics for a nonparametric one-sided hypothesis on the mean of a nonnegative
variable", Mathematical Methods of Statistics 14 (2005), 451-467; E. Learned-Miller and P. S. Thomas, "A new confidence
interval for the mean of a bounded random variable" (2019), arXiv 1905.06208, who conjecture that it holds at every n
and for every distribution in [0, 1]. It is not proved, and no case is known where it does not hold;
`docs/reference/statistics.md` looks for one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from evidence.statistics.intervals import CONFIDENCE, check_confidence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STEP: Final = 0.1  # of the integral's variable: with half of it, no digit that is kept changes
_LAST: Final = 20.0  # where the integrand is below 1e-17 even for one score
_NEGLIGIBLE: Final = 1e-18  # of what the integral has come to
_NOTHING: Final = 1e-9  # a mean of scores no higher than this is not told from 0
_HALVINGS: Final = 40  # of the interval in which the saddle point lies, which need not be exact


def gaffke(scores: Mapping[float, int], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the interval of the mean of independent scores in [0, 1].

    Args:
        scores: how often each was observed.

    Raises:
        ValueError: no values, one outside [0, 1], or confidence outside (0, 1).
    """
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    check_confidence(confidence)
    values, counts = np.array(sorted(scores.items()), dtype=np.float64).reshape(-1, 2).T
    if not values.size or not bool(np.all((values >= 0) & (values <= 1))):
        raise ValueError("a mean of scores needs at least one, each in [0, 1]")
    tail = (1 - confidence) / 2
    return _lower_bound(values, counts, tail), 1 - _lower_bound(1 - values, counts, tail)


def _lower_bound(values: Floats, counts: Floats, tail: float) -> float:
    """Return what the weighted mean lies below with the chance `tail`."""
    from scipy.optimize import brentq  # noqa: PLC0415  # heavy: imported when first needed

    highest = float(values.max())
    if highest <= _NOTHING:
        return 0.0
    lowest = highest * 1e-12
    if chance_below(lowest, values, counts) >= tail:
        return 0.0
    return float(brentq(lambda mean: chance_below(mean, values, counts) - tail, lowest, highest, xtol=1e-14))


def chance_below(mean: float, values: Floats, counts: Floats) -> float:
    """Return the chance that the mean of the values, with a 0 and weighted at random, is at most `mean`, above 0.

    Weights that are uniform spacings are exponential variables over their sum. So it is the chance that the sum of
    exponential variables times (value - mean) is at most 0: an integral along a line through the saddle point of its
    transform, by the trapezoid rule, whose error falls exponentially.

    Source: S. O. Rice, "Distribution of quadratic forms in normal random variables: evaluation by numerical
    integration", SIAM Journal on Scientific and Statistical Computing 1 (1980), 438-448.
    """
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    excess, times = np.append(values - mean, -mean), np.append(counts, 1.0)
    if float(excess.max()) <= 0:
        return 1.0
    saddle = _saddle(excess, times)
    spread = math.sqrt(1 / saddle**2 + float(times @ (excess / (1 - saddle * excess)) ** 2))
    total = 0.0
    for number in range(int(_LAST / _STEP)):
        place = number * _STEP
        at = saddle + 1j * math.sinh(place) / spread
        transform = np.exp(-(times @ np.log(1 - at * excess)))
        term = float((transform / at).real) * math.cosh(place) / spread
        total += term / 2 if number == 0 else term
        if abs(transform / at) * math.cosh(place) / spread < _NEGLIGIBLE * abs(total):
            break
    return min(max(-total * _STEP / math.pi, 0.0), 1.0)


def _saddle(excess: Floats, times: Floats) -> float:
    """Return where, below 0, the transform over its argument is smallest."""
    low, high = 1 / float(excess.min()), 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        slope = float(times @ (excess / (1 - middle * excess))) - 1 / middle
        low, high = (low, middle) if slope > 0 else (middle, high)
    return high if high < 0 else low / 2
